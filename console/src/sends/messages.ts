// The messages of a send: how far each has come, and when.
import type { Schemas, Send } from "../api/client";
import { type Fired, firedOf } from "./fired";
import { type Routed, routedOf } from "./sender";

type Attempt = Schemas["Attempt"];
type Event = Schemas["Event"];
type Channel = Schemas["Channel"];

/**
 * The states of a message. `calling`: the call has not ended. `held`: no call was made so far, because of the account. `retrying`: the provider accepted no call so far, and the call is
 * repeated. `gave_up`: the same, and the calls have ended. `not_sent`: no provider has the message. `unknown`: the answer to the
 * call was lost, and no receipt has come. `resent`: the same, and another message has followed. `rejected`: the provider refused
 * the call. `failed`: a receipt says so.
 */
export type MessageState =
  | "queued"
  | "calling"
  | "held"
  | "retrying"
  | "gave_up"
  | "not_sent"
  | "unknown"
  | "resent"
  | "submitted"
  | "sent"
  | "rejected"
  | "failed"
  | "delivered"
  | "read"
  | "too_late";

export interface Message {
  channel: Channel;
  state: MessageState;
  at: string; // when it reached the state
  provider: string; // empty if none was called
  calls: number;
  failure?: Schemas["AttemptFailure"] | undefined;
  attempt?: Attempt | undefined; // absent if no provider was called
  rule?: Schemas["PlannedRule"] | undefined; // the rule that fired, of an SMS
  fired?: Fired | undefined; // why the rule fired
  routed?: Routed | undefined; // why it went by another account than the first of the rule
}

/** messagesOf returns the messages of a send: WhatsApp first, then each SMS in the order of their calls. */
export function messagesOf(send: Send): Message[] {
  const of = (channel: Channel) =>
    send.attempts.filter((attempt) => attempt.channel === channel).map((attempt) => messageOf(attempt, send));
  const whatsapp = of("whatsapp");
  const sms = of("sms").sort((a, b) => startOf(a) - startOf(b));
  return [...(whatsapp.length > 0 ? whatsapp : [uncalled(send)]), ...sms];
}

/** newestSMS returns the newest SMS that a provider has, may have or has refused, or that is being sent. */
export function newestSMS(messages: Message[]): Message | undefined {
  return messages.findLast(({ channel, state }) => channel === "sms" && state !== "not_sent");
}

/** mayBeOut reports whether a provider has, or may have, a message in a state. */
export function mayBeOut(state: MessageState): boolean {
  return ["calling", "unknown", "resent", "submitted", "sent", "delivered", "read"].includes(state);
}

function startOf({ attempt }: Message): number {
  return attempt ? Date.parse(attempt.started_at) : 0;
}

function messageOf(attempt: Attempt, send: Send): Message {
  const state = stateOf(attempt, send);
  const rule = send.plan.rules.find(({ name }) => name === attempt.rule);
  return {
    channel: attempt.channel,
    state,
    at: timeOf(state, attempt, send),
    provider: attempt.provider,
    calls: isCalled(attempt) ? attempt.number : 0,
    failure: attempt.failure,
    attempt,
    rule,
    fired: rule && firedOf(rule, attempt, send),
    routed: routedOf(attempt, send),
  };
}

function stateOf(attempt: Attempt, send: Send): MessageState {
  const { status, state } = attempt;
  if (status === "failed") {
    if (!isCalled(attempt)) {
      return "not_sent";
    }
    return state === "rejected" ? "rejected" : isRefused(attempt) ? "gave_up" : "failed";
  }
  if (status && status !== "queued") {
    return status;
  }
  switch (state) {
    case "calling":
      return send.finished_at ? "unknown" : "calling";
    case "accepted":
      return "submitted";
    case "rejected":
      return "rejected";
    case "unknown":
      return hasResend(attempt, send) ? "resent" : "unknown";
    default:
      return isPending(attempt, send) ? (isCalled(attempt) ? "retrying" : "held") : "not_sent";
  }
}

/** isCalled reports whether a provider was called. The first try of a call may have found the account unhealthy. */
function isCalled({ failure, number }: Attempt): boolean {
  return !failure?.not_called || number > 1;
}

/** isRefused reports whether the provider throttled the call or was down: it does not have the message. */
function isRefused({ state }: Attempt): boolean {
  return state === "throttled" || state === "unavailable";
}

/** hasResend reports whether a message went out once more. Its step is the next one; other accounts have other steps. */
function hasResend(attempt: Attempt, send: Send): boolean {
  return send.attempts.some(({ step }) => step === attempt.step + 1);
}

/** isPending reports whether the refused call of an attempt is repeated. */
function isPending(attempt: Attempt, send: Send): boolean {
  if (send.finished_at) {
    return false;
  }
  return attempt.channel === "whatsapp"
    ? send.whatsapp.status === "queued"
    : send.sms?.status === "queued" && send.fired?.rule === attempt.rule;
}

/** uncalled is the WhatsApp message of a send that has no call for it. */
function uncalled(send: Send): Message {
  const status = send.whatsapp.status;
  const gaveUp = send.events.find(({ kind, channel }) => kind === "gave_up" && channel === "whatsapp");
  const message = { channel: "whatsapp", provider: "", calls: 0 } as const;
  if (status !== "queued" && status !== "failed") {
    return { ...message, state: status, at: eventOf(status, message, send)?.at ?? send.accepted_at };
  }
  if (send.attempts.length > 0 && !gaveUp) {
    return { ...message, state: "too_late", at: send.accepted_at }; // an SMS went out without it
  }
  const isOver = status === "failed" || send.finished_at;
  const failure = gaveUp?.failure?.not_called ? gaveUp.failure : undefined;
  return {
    ...message,
    failure,
    state: isOver ? "not_sent" : "queued",
    at: gaveUp?.at ?? send.finished_at ?? send.accepted_at,
  };
}

function timeOf(state: MessageState, attempt: Attempt, send: Send): string {
  const ended = attempt.ended_at ?? attempt.started_at;
  switch (state) {
    case "calling":
      return attempt.started_at;
    case "submitted":
    case "sent":
    case "delivered":
    case "read":
      return eventOf(state, attempt, send)?.at ?? ended;
    case "rejected":
    case "failed":
    case "gave_up":
      return eventOf("failed", attempt, send)?.at ?? ended;
    default:
      return ended;
  }
}

type OfMessage = Pick<Attempt, "channel"> & Partial<Pick<Attempt, "rule" | "account">>;

/** eventOf returns the event with which a message reached a status. Receipts name no account. */
function eventOf(status: Schemas["Status"], { channel, rule, account }: OfMessage, send: Send): Event | undefined {
  return send.events.find(
    (event) =>
      (event.kind === "attempt" || event.kind === "receipt" || event.kind === "gave_up") &&
      event.channel === channel &&
      event.status === status &&
      (channel === "whatsapp" || event.rule === rule) &&
      (!event.account || !account || event.account === account),
  );
}
