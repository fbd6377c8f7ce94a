import { Progress } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Send, serverNow } from "../api/client";
import { ClockCircleOutlined } from "../ui/icons";
import { duration } from "../ui/time";
import { isScheduled } from "./schedule";

/** Countdown shows which rule fires next, and how long that takes. A scheduled send has none before its start. */
export function Countdown({ send }: { send: Send }) {
  const { next_rule, next_deadline, plan } = send;
  const { t } = useTranslation();
  const rule = plan.rules.find(({ name }) => name === next_rule);
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    if (!next_deadline) {
      return;
    }
    const timer = setInterval(() => setNow(serverNow()), 250);
    return () => clearInterval(timer);
  }, [next_deadline]);
  if (!rule || !next_deadline || isScheduled(send)) {
    return null;
  }
  const left = Math.max(0, Math.ceil((Date.parse(next_deadline) - now) / 1000));
  const whole = Math.max(rule.wait_seconds ?? 1, left); // the grace of an exclusive send comes on top
  return (
    <div className="countdown" role="timer" aria-label={t("sends.countdown")}>
      <ClockCircleOutlined />
      <span className="grow">
        {left > 0
          ? t("sends.firesIn", { left: duration(left, t), rule: rule.name })
          : t("sends.firesNow", { rule: rule.name })}
        <Progress
          percent={(100 * (whole - left)) / whole}
          showInfo={false}
          aria-label={t("sends.countdown")}
          size="small"
        />
      </span>
    </div>
  );
}
