import { useTranslation } from "react-i18next";
import type { Schemas, Send } from "../api/client";
import { usePreferences } from "../preferences";
import { type Tone, toneOf } from "../theme";
import { day, exact, exactClock, isSameDay, zonedTime } from "../ui/time";
import { Cause, Log } from "./Cause";
import { eventText, isUncalled } from "./eventText";
import { originOf } from "./schedule";
import { useReader } from "./useReader";

type Event = Schemas["Event"];

function toneOfEvent(event: Event): Tone {
  switch (event.kind) {
    case "gave_up":
    case "expired":
    case "opted_out":
      return "bad";
    case "rule_fired":
    case "routed":
    case "duplicate_delivery":
      return "warn";
    case "averted":
    case "confirmed":
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
  return (
    <ol className="events" aria-live="polite" aria-relevant="additions">
      {send.events.map((event, i) => (
        <EventItem
          // biome-ignore lint/suspicious/noArrayIndexKey: new events come only at the end, and two may be equal
          key={i}
          event={event}
          send={send}
          isNewDay={!isSameDay(event.at, send.events[i - 1]?.at ?? Date.now())}
        />
      ))}
    </ol>
  );
}

function EventItem({ event, send, isNewDay }: { event: Event; send: Send; isNewDay: boolean }) {
  const { t, i18n } = useTranslation();
  const { dark } = usePreferences();
  const { words, explanation, log } = eventText(event, send, useReader());
  const after = Math.max(0, Date.parse(event.at) - Date.parse(originOf(send))) / 1000;
  return (
    <li>
      <time dateTime={event.at} title={zonedTime(event.at, i18n.language)}>
        {isNewDay && <strong>{day(event.at, i18n.language)}</strong>}
        {exactClock(event.at, i18n.language)}
        <small>+{exact(after, t, i18n.language)}</small>
      </time>
      <span
        className="events-dot"
        style={{ backgroundColor: toneOf(dark, toneOfEvent(event)).text }}
        aria-hidden="true"
      />
      <div>
        <strong>{t(isUncalled(event) ? "event.uncalled" : `event.${event.kind}`)}</strong>
        {words.length > 0 && <> {words.join(" · ")}</>}
        {explanation && <Cause explanation={explanation} />}
        {log && <Log text={log} />}
      </div>
    </li>
  );
}
