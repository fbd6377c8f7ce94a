// Times and durations as texts. All times of the console have 24 hours and are in the reader's own time zone, which the foot of
// the page names. The days of the statistics are those of UTC, and say so.
import type { TFunction } from "i18next";

type Moment = string | number;

/** regional returns the language with the reader's region, "en-GB" for "en", if the browser names one. */
export function regional(
  language: string,
  preferred: readonly string[] = globalThis.navigator?.languages ?? [],
): string {
  const [base] = language.split("-");
  return preferred.find((one) => one.split("-")[0] === base && one.includes("-")) ?? language;
}

function format(value: Moment, language: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(regional(language), { ...options, hourCycle: "h23" }).format(new Date(value));
}

const date = { year: "numeric", month: "short", day: "numeric" } as const;
const minutes = { hour: "2-digit", minute: "2-digit" } as const;
const seconds = { ...minutes, second: "2-digit" } as const;

/** time formats a date and time, to the second. */
export function time(value: Moment, language: string): string {
  return format(value, language, { ...date, ...seconds });
}

/** minute formats a date and time, to the minute. */
export function minute(value: Moment, language: string): string {
  return format(value, language, { ...date, ...minutes });
}

/** zonedTime formats a date and time with the offset of the zone at that time. */
export function zonedTime(value: Moment, language: string): string {
  return format(value, language, { ...date, ...seconds, timeZoneName: "shortOffset" });
}

/** zone names the reader's time zone, with its offset now: "Europe/London (GMT+1)". */
export function zone(language: string): string {
  const options = new Intl.DateTimeFormat(regional(language), { timeZoneName: "shortOffset" });
  const offset = options.formatToParts().find(({ type }) => type === "timeZoneName")?.value;
  return `${options.resolvedOptions().timeZone.replaceAll("_", " ")} (${offset})`;
}

/** clock formats the time of day, to the second. */
export function clock(value: Moment, language: string): string {
  return format(value, language, seconds);
}

/** zonedClock formats the time of day with the offset of the zone at that time. */
export function zonedClock(value: Moment, language: string): string {
  return format(value, language, { ...seconds, timeZoneName: "shortOffset" });
}

/** isSameDay reports whether two times are on one day of the reader's time zone. */
export function isSameDay(a: Moment, b: Moment): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString();
}

/** exactClock formats the time of day, to the millisecond, because the events of a timeline lie close together. */
export function exactClock(value: Moment, language: string): string {
  return format(value, language, { ...seconds, fractionalSecondDigits: 3 });
}

const monthDay = { month: "short", day: "numeric" } as const;

/** day formats a date without its year. */
export function day(value: Moment, language: string): string {
  return format(value, language, monthDay);
}

/** bucket names a step of the statistics. */
export function bucket(value: Moment, length: number, language: string): string {
  return length >= units.day
    ? format(value, language, { ...monthDay, timeZone: "UTC", timeZoneName: "short" })
    : format(value, language, { ...monthDay, ...minutes });
}

/** tick is the short form of bucket, for an axis that spans so many seconds. */
export function tick(value: Moment, length: number, span: number, language: string): string {
  if (span <= 2 * units.day) {
    return format(value, language, minutes);
  }
  return format(value, language, length >= units.day ? { ...monthDay, timeZone: "UTC" } : monthDay);
}

export const units = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const;
export type Unit = keyof typeof units;

/** duration formats whole seconds in their two largest units: "1 h 30 min". */
export function duration(seconds: number, t: TFunction): string {
  const parts: string[] = [];
  let rest = seconds;
  for (const unit of ["day", "hour", "minute", "second"] as const) {
    const count = Math.floor(rest / units[unit]);
    rest -= count * units[unit];
    if (count > 0) {
      parts.push(t(`duration.${unit}`, { count }));
    }
  }
  return parts.slice(0, 2).join(" ") || t("duration.second", { count: 0 });
}

/** exact formats measured seconds: "0.34 s", "12.5 s". From two minutes on it is the same as duration. */
export function exact(seconds: number, t: TFunction, language: string): string {
  if (seconds >= 120) {
    return duration(Math.round(seconds), t);
  }
  const digits = seconds < 10 ? 2 : 1;
  return t("duration.exact", {
    value: new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(seconds),
  });
}

/** unitOf returns the largest unit in which a wait is a whole number. */
export function unitOf(seconds: number): Unit {
  const fits = (unit: Unit) => seconds > 0 && seconds % units[unit] === 0;
  return (["day", "hour", "minute"] as const).find(fits) ?? "second";
}
