// How far the message has come on one channel.
import type { TFunction } from "i18next";
import type { Schemas, Status } from "../api/client";

export interface Step {
  status: Status;
  state: "finish" | "wait" | "error";
  isPassed: boolean; // a later step is reached
}

const ways: Record<Schemas["Channel"], Status[]> = {
  whatsapp: ["queued", "submitted", "sent", "delivered", "read"],
  sms: ["queued", "submitted", "sent", "delivered"],
};

/**
 * progressOf returns the steps of the newest message on a channel. The steps of a failed message are the statuses that it reached,
 * and the failure after them.
 */
export function progressOf(channel: Schemas["Channel"], status: Status, events: Schemas["Event"][]): Step[] {
  const way = ways[channel];
  if (status !== "failed") {
    const reached = way.indexOf(status);
    return way.map((step, i) => ({
      status: step,
      state: i <= reached ? "finish" : "wait",
      isPassed: i < reached,
    }));
  }
  const reached = eventsOfNewest(channel, events).map((event) => (event.status ? way.indexOf(event.status) : -1));
  const passed = way.slice(0, Math.max(0, ...reached) + 1); // each message was queued
  return [
    ...passed.map((step): Step => ({ status: step, state: "finish", isPassed: true })),
    { status: "failed", state: "error", isPassed: false },
  ];
}

/** stepTitle names a step. A message is no longer queued once a later step is reached. */
export function stepTitle({ status, isPassed }: Step, t: TFunction): string {
  return status === "queued" && isPassed ? t("sends.wasQueued") : t(`status.${status}`);
}

/** eventsOfNewest returns the events of the newest message: each rule that fires begins an SMS. */
function eventsOfNewest(channel: Schemas["Channel"], events: Schemas["Event"][]): Schemas["Event"][] {
  if (channel === "whatsapp") {
    return events.filter((event) => event.channel === channel);
  }
  const fired = events.findLastIndex((event) => event.kind === "rule_fired");
  const rule = events[fired]?.rule;
  return events.slice(fired + 1).filter((event) => event.channel === channel && (event.rule ?? rule) === rule);
}
