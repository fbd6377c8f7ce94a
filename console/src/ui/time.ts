// Times and durations as texts.
import type { TFunction } from "i18next";

/** time formats a time in the reader's own time zone, to the second. */
export function time(value: string | number | Date, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(value));
}

/** clock formats the time of day, to the millisecond, because the events of a timeline lie close together. */
export function clock(value: string, language: string): string {
  return new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  }).format(new Date(value));
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
