// The presets of time of the list of sends. They end now, or with a day of the reader's own time zone, and stay relative in the
// address.

export const sendRanges = ["15min", "hour", "day", "today", "yesterday", "week"] as const;
export type SendRange = (typeof sendRanges)[number];

export function isSendRange(value: string): value is SendRange {
  return (sendRanges as readonly string[]).includes(value);
}

const lengths = { "15min": 15 * 60, hour: 3600, day: 86_400, week: 7 * 86_400 } as const; // s

/** rangeBounds returns the bounds of a preset. An unknown one is its own begin, which the API refuses. */
export function rangeBounds(range: string, now: number): { from?: string; until?: string } {
  if (range === "") {
    return {};
  }
  if (!isSendRange(range)) {
    return { from: range };
  }
  const today = startOfDay(now);
  switch (range) {
    case "today":
      return { from: today.toISOString() };
    case "yesterday":
      return { from: startOfDay(now, -1).toISOString(), until: today.toISOString() };
    default:
      return { from: new Date(now - lengths[range] * 1000).toISOString() };
  }
}

/** startOfDay returns the midnight of the reader's time zone at which the day begins. A day may have 23 or 25 hours. */
function startOfDay(now: number, days = 0): Date {
  const moment = new Date(now);
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate() + days);
}
