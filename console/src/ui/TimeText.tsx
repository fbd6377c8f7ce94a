import { useTranslation } from "react-i18next";
import { time, zonedTime } from "./time";

/** TimeText shows a date and time. Its title has the zone too. */
export function TimeText({ at }: { at: string }) {
  const { i18n } = useTranslation();
  return (
    <time className="nowrap" dateTime={at} title={zonedTime(at, i18n.language)}>
      {time(at, i18n.language)}
    </time>
  );
}
