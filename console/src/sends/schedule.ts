// A scheduled send starts at its send_at, or when its turn comes after that.
import type { Schemas } from "../api/client";

type Times = Pick<Schemas["SendSummary"], "accepted_at" | "send_at" | "started_at" | "finished_at">;

/** isScheduled reports whether a send waits for its time, or for its turn. */
export function isScheduled(send: Times): boolean {
  return isBeforeStart(send) && send.finished_at === undefined;
}

/** isBeforeStart reports whether a send with a send_at has not started. It may have ended. */
export function isBeforeStart({ send_at, started_at }: Times): boolean {
  return send_at !== undefined && started_at === undefined;
}

/** originOf returns the time from which all waits of a send count. */
export function originOf({ accepted_at, send_at, started_at }: Times): string {
  return started_at ?? send_at ?? accepted_at;
}

export const daysAhead = 180; // the most that the API accepts
