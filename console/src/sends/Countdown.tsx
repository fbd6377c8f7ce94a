import { Progress } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Send, serverNow } from "../api/client";
import { condition } from "../rules/meaning";
import { ClockCircleOutlined } from "../ui/icons";
import { duration } from "../ui/time";
import { nextRule } from "./nextRule";

/** Countdown says how long it takes until the next rule fires, and which. */
export function Countdown({ send }: { send: Send }) {
  const { t } = useTranslation();
  const rule = nextRule(send);
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    if (!rule) {
      return;
    }
    const timer = setInterval(() => setNow(serverNow()), 250);
    return () => clearInterval(timer);
  }, [rule]);
  if (!rule) {
    return null;
  }
  const left = Math.max(0, Math.ceil((Date.parse(rule.deadline) - now) / 1000));
  const whole = rule.wait_seconds ?? 1;
  return (
    <div className="countdown" role="timer" aria-label={t("sends.countdown")}>
      <ClockCircleOutlined />
      <span className="grow">
        {left > 0
          ? t("sends.firesIn", { left: duration(left, t), rule: rule.name })
          : t("sends.firesNow", { rule: rule.name })}
        <br />
        <small>{condition(rule, t)}</small>
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
