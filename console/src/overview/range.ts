// The time range of the overview.
export const ranges = { hour: 3600, day: 86_400, week: 7 * 86_400, month: 30 * 86_400, quarter: 90 * 86_400 } as const;
export type Range = keyof typeof ranges;

export interface Bounds {
  from: string;
  until: string;
}

export function isRange(value: string): value is Range {
  return Object.hasOwn(ranges, value);
}

/**
 * rangeQuery returns the bounds of a range that ends now. Its end is rounded up to a whole step, so all readers ask the same during
 * a step, and the API answers from its cache.
 */
export function rangeQuery(range: Range, now: number): Bounds {
  const step = ranges[range] <= ranges.day ? 10_000 : 60_000; // ms
  const until = Math.ceil(now / step) * step;
  return { from: new Date(until - ranges[range] * 1000).toISOString(), until: new Date(until).toISOString() };
}
