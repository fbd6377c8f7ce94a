// The time range of the overview.
export const ranges = { hour: 3600, day: 86_400, week: 7 * 86_400, month: 30 * 86_400, quarter: 90 * 86_400 } as const;
export type Range = keyof typeof ranges;

export interface Bounds {
  from: string;
  until: string;
}

/** OwnRange is a range that the reader has entered. Without an end it reaches until now. */
export interface OwnRange {
  from: string;
  until?: string;
}

/** ChosenRange is a range before its bounds are known. A range without an end moves with the clock. */
export type ChosenRange = Range | OwnRange;

const second = 1000; // ms

export function isRange(value: string): value is Range {
  return Object.hasOwn(ranges, value);
}

/** isMoving reports whether the bounds of a range move with the clock. */
export function isMoving(chosen: ChosenRange): boolean {
  return typeof chosen === "string" || chosen.until === undefined;
}

/** lengthOf returns the length of a range in milliseconds; 0 if it has no begin that can be read. */
function lengthOf(chosen: ChosenRange, now: number): number {
  if (typeof chosen === "string") {
    return ranges[chosen] * second;
  }
  const length = (chosen.until === undefined ? now : Date.parse(chosen.until)) - Date.parse(chosen.from);
  return Math.max(length, 0) || 0;
}

/** stepOf returns the milliseconds by which the end of a moving range advances. */
export function stepOf(chosen: ChosenRange, now: number): number {
  return lengthOf(chosen, now) <= ranges.day * second ? 10 * second : 60 * second;
}

/**
 * comparisonStepOf returns the same for the comparison with the range before. It needs two more queries and changes little in a
 * moment, so a longer range is compared once a minute.
 */
export function comparisonStepOf(chosen: ChosenRange, now: number): number {
  return lengthOf(chosen, now) < 1800 * second ? 10 * second : 60 * second;
}

/**
 * boundsOf returns the bounds of a range. The end of a moving range is rounded up to a whole step, so all readers ask the same during
 * a step, and the API answers from its cache.
 */
export function boundsOf(chosen: ChosenRange, now: number, step = stepOf(chosen, now)): Bounds {
  if (typeof chosen !== "string" && chosen.until !== undefined) {
    return { from: chosen.from, until: chosen.until };
  }
  const until = Math.ceil(now / step) * step;
  const from = typeof chosen === "string" ? new Date(until - ranges[chosen] * second).toISOString() : chosen.from;
  return { from, until: new Date(until).toISOString() };
}

/** previousOf returns the range of equal length before a range. */
export function previousOf({ from, until }: Bounds): Bounds {
  const begin = Date.parse(from);
  return { from: new Date(2 * begin - Date.parse(until)).toISOString(), until: from };
}

/** parseTimeOfDay reads a time of day: 9, 9:05, 905, 9.05, 12:55. It returns undefined for anything else. */
export function parseTimeOfDay(text: string): { hour: number; minute: number } | undefined {
  const parts = /^(\d{1,2})(?:[:.]?(\d{2}))?$/.exec(text.normalize("NFKC").trim()); // NFKC: the colon of a Chinese keyboard
  const [hour, minute] = [Number(parts?.[1]), Number(parts?.[2] ?? 0)];
  return parts && hour < 24 && minute < 60 ? { hour, minute } : undefined;
}

/** lastTimeOfDay returns the newest moment at which the reader's clock has shown a time of day. */
export function lastTimeOfDay(hour: number, minute: number, now: number): Date {
  const at = new Date(now);
  at.setHours(hour, minute, 0, 0);
  if (at.getTime() > now) {
    at.setDate(at.getDate() - 1);
  }
  return at;
}

/** rangeName writes a range with its time zone, in the shortest way: a date that both ends share is written once. */
export function rangeName({ from, until }: Bounds, language: string): string {
  return new Intl.DateTimeFormat(language, {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
    hourCycle: "h23",
  }).formatRange(new Date(from), new Date(until));
}

/** bucketBounds returns the part of a bucket of the statistics that lies within their range. */
export function bucketBounds(at: string, lengthSeconds: number, range: Bounds): Bounds {
  const begin = Math.max(Date.parse(at), Date.parse(range.from));
  const end = Math.min(Date.parse(at) + lengthSeconds * second, Date.parse(range.until));
  return { from: new Date(begin).toISOString(), until: new Date(end).toISOString() };
}
