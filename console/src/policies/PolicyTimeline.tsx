// The picture of a policy: WhatsApp at 0, each rule at the end of its wait, and below them the effect of a failure.

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { condition, type RuleShape } from "../rules/meaning";
import { MessageOutlined, ThunderboltOutlined, WhatsAppOutlined } from "../ui/icons";
import { duration } from "../ui/time";

interface TimelineRule extends RuleShape {
  id: string;
  name: string;
}

interface Props {
  rules: TimelineRule[];
  fired?: string | undefined; // the name of the rule that fired
}

interface Stop {
  key: string;
  at: number; // seconds after acceptance
  when: string;
  icon: ReactNode;
  title: string;
  detail?: string;
  fired?: boolean;
}

/** gapFor returns the space between two stops. It grows with the logarithm of the time, so a minute and a month fit. */
function gapFor(seconds: number): number {
  return Math.round(10 + 7 * Math.log2(1 + seconds / 10));
}

export function PolicyTimeline({ rules, fired }: Props) {
  const { t } = useTranslation();
  const first = rules[0];
  const timed = rules
    .map((rule, order) => ({ rule, order }))
    .filter(({ rule }) => rule.wait_seconds)
    .sort((a, b) => (a.rule.wait_seconds ?? 0) - (b.rule.wait_seconds ?? 0) || a.order - b.order);
  const stops: Stop[] = [
    { key: "start", at: 0, when: "0", icon: <WhatsAppOutlined />, title: t("policies.picture.whatsapp") },
    ...timed.map(({ rule }) => ({
      key: rule.id,
      at: rule.wait_seconds ?? 0,
      when: duration(rule.wait_seconds ?? 0, t),
      icon: <MessageOutlined />,
      title: condition(rule, t),
      detail: rule.name,
      fired: rule.name === fired,
    })),
  ];
  return (
    <figure className="picture" aria-label={t("policies.picture.title")}>
      <ol className="picture-stops">
        {stops.map((stop, i) => (
          <li
            key={stop.key}
            className={stop.fired ? "fired" : ""}
            style={{ marginBlockStart: i === 0 ? 0 : gapFor(stop.at - (stops[i - 1]?.at ?? 0)) }}
          >
            <span className="picture-when">{stop.when}</span>
            <span className="picture-dot" aria-hidden="true">
              {stop.icon}
            </span>
            <span>
              {stop.title}
              {stop.detail && <small> {stop.detail}</small>}
              {stop.fired && <strong> {t("policies.picture.fired")}</strong>}
            </span>
          </li>
        ))}
      </ol>
      {first && (
        <figcaption>
          <ThunderboltOutlined /> {t("policies.picture.failure", { sender: first.send_id, rule: first.name })}
        </figcaption>
      )}
    </figure>
  );
}
