import { useTranslation } from "react-i18next";
import type { Schemas, Send } from "../api/client";
import { usePreferences } from "../preferences";
import { type Tone, toneOf } from "../theme";
import { exact, exactClock, zonedTime } from "../ui/time";

type Event = Schemas["Event"];

function toneOfEvent(event: Event): Tone {
  switch (event.kind) {
    case "gave_up":
    case "expired":
    case "opted_out":
      return "bad";
    case "rule_fired":
    case "duplicate_delivery":
      return "warn";
    case "averted":
      return "good";
    case "receipt":
    case "attempt":
      return event.status === "failed" || event.code
        ? "bad"
        : event.status === "delivered" || event.status === "read"
          ? "good"
          : "plain";
    default:
      return "quiet";
  }
}

/** Events is the timeline of a send. Screen readers announce new events. */
export function Events({ send }: { send: Send }) {
  const { t, i18n } = useTranslation();
  const { dark } = usePreferences();
  const origin = Date.parse(send.accepted_at);
  return (
    <ol className="events" aria-live="polite" aria-relevant="additions">
      {send.events.map((event, i) => {
        const words = [
          event.channel && t(`channel.${event.channel}`),
          event.status && t(`status.${event.status}`),
          event.rule && t("sends.ruleNamed", { rule: event.rule }),
          event.code && t("sends.code", { code: event.code }),
          event.kind === "finished" && event.detail ? t(`outcome.${event.detail as Send["outcome"]}`) : event.detail,
        ].filter(Boolean);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: new events come only at the end, and two may be equal
          <li key={i}>
            <time dateTime={event.at} title={zonedTime(event.at, i18n.language)}>
              {exactClock(event.at, i18n.language)}
              <small>+{exact(Math.max(0, Date.parse(event.at) - origin) / 1000, t, i18n.language)}</small>
            </time>
            <span
              className="events-dot"
              style={{ backgroundColor: toneOf(dark, toneOfEvent(event)).text }}
              aria-hidden="true"
            />
            <span>
              <strong>{t(`event.${event.kind}`)}</strong>
              {words.length > 0 && <> {words.join(" · ")}</>}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
