// The range of time that the overview is about.
export const ranges = { hour: 3600, day: 86_400, week: 7 * 86_400, month: 30 * 86_400, quarter: 90 * 86_400 } as const;
export type Range = keyof typeof ranges;

export function isRange(value: string): value is Range {
  return Object.hasOwn(ranges, value);
}

/**
 * rangeQuery is what the API is asked. A range that ends now ends at the next whole step, so that the question stays the
 * same, and its answer kept, for as long as the step lasts.
 */
export function rangeQuery(range: Range, now: number): { from: string; until: string } {
  const step = ranges[range] <= ranges.day ? 10_000 : 60_000; // ms
  const until = Math.ceil(now / step) * step;
  return { from: new Date(until - ranges[range] * 1000).toISOString(), until: new Date(until).toISOString() };
}
