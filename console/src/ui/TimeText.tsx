import { useTranslation } from "react-i18next";
import { serverNow } from "../api/client";
import { useRelative } from "./relativeTime";
import { clock, isSameDay, time, zonedClock, zonedTime } from "./time";

interface Props {
  at: string;
  withZone?: boolean; // a time that somebody reads to a customer names its zone
}

/** TimeText shows a time with its distance from now: "12:03:11 (3 min ago)". Another day than today has its date too. */
export function TimeText({ at, withZone = false }: Props) {
  const { t, i18n } = useTranslation();
  const relative = useRelative(at);
  const isToday = isSameDay(at, serverNow());
  const [short, long] = withZone ? [zonedClock, zonedTime] : [clock, time];
  return (
    <time className={withZone ? undefined : "nowrap"} dateTime={at} title={zonedTime(at, i18n.language)}>
      {t("duration.beside", { time: (isToday ? short : long)(at, i18n.language), relative })}
    </time>
  );
}
