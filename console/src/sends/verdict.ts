// The verdict on a send: what happened on each channel, when, and what comes next, in sentences that support can read to a
// customer. It says no more than the send does: "no receipt so far" is not "did not arrive".
import type { Send } from "../api/client";
import { outcomeTone, type Tone } from "../theme";
import { explain, providerName, type Reader } from "./explanation";
import { firedWords } from "./fired";
import { type Message, type MessageState, messagesOf } from "./messages";
import { routedWords, senderOf } from "./sender";
import { headlineOf } from "./verdictHeadline";
import { join, type Line, slot } from "./verdictLine";
import { nextOf } from "./verdictNext";

export interface Verdict {
  tone: Tone;
  headline: string;
  lines: Line[];
}

/** verdictOf returns the verdict at a time, in ms by the server's clock. */
export function verdictOf(send: Send, now: number, reader: Reader): Verdict {
  const messages = messagesOf(send);
  const isHeldUp = messages.some(({ state }) => state === "retrying" || state === "held");
  return {
    tone: send.duplicate_delivery || isHeldUp ? "warn" : outcomeTone(send.outcome),
    headline: headlineOf(send, messages, reader),
    lines: [
      { about: "send", tone: "quiet", text: reader.t("verdict.accepted", { at: slot }), at: send.accepted_at },
      ...scheduleOf(send, now, reader),
      ...messages.filter((message) => !isAverted(message, send)).map((message) => lineOf(message, send, reader)),
      ...notesOf(send, messages, reader),
      ...nextOf(send, messages, now, reader.t),
    ],
  };
}

/** scheduleOf says when a scheduled send starts, or has started. */
function scheduleOf(send: Send, now: number, { t }: Reader): Line[] {
  if (!send.send_at) {
    return [];
  }
  const line = (text: string, at: string): Line => ({ about: "send", tone: "quiet", text, at });
  if (send.started_at) {
    return [line(t("verdict.schedule.started", { at: slot }), send.started_at)];
  }
  if (send.finished_at) {
    return [line(t("verdict.schedule.ended", { at: slot }), send.send_at)];
  }
  const isDue = Date.parse(send.send_at) <= now;
  return [line(t(isDue ? "verdict.schedule.due" : "verdict.schedule.starts", { at: slot }), send.send_at)];
}

/** isAverted reports whether the last look has averted an SMS. A note says so. */
function isAverted({ channel, state, rule }: Message, send: Send): boolean {
  return (
    channel === "sms" &&
    state === "not_sent" &&
    send.events.some((event) => event.kind === "averted" && event.rule === rule?.name)
  );
}

const tones: Record<MessageState, Tone> = {
  queued: "wait",
  calling: "wait",
  held: "warn",
  retrying: "warn",
  gave_up: "bad",
  not_sent: "quiet",
  unknown: "warn",
  resent: "warn",
  submitted: "wait",
  sent: "plain",
  rejected: "bad",
  failed: "bad",
  delivered: "good",
  read: "good",
  too_late: "quiet",
};

/** toneOfState is the tone of a message's state. */
export function toneOfState(state: MessageState): Tone {
  return tones[state];
}

function lineOf(message: Message, send: Send, reader: Reader): Line {
  const { t } = reader;
  const { channel, state, at, attempt, failure } = message;
  const words = {
    at: slot,
    provider: providerName(message.provider, reader.providers),
    sender: senderOf(attempt, send, reader),
    calls: t("verdict.calls", { count: message.calls }),
  };
  const text =
    channel === "whatsapp" ? t(`verdict.whatsapp.${state}`, words) : t(`verdict.sms.${smsState(state)}`, words);
  const why = whyOf(message, send, reader);
  return {
    about: channel,
    tone: toneOfState(state),
    text: why ? join(t, text, why) : text,
    ...(text.includes(slot) ? { at } : {}),
    explanation: failure && !isOverruled(state) ? explain(failure, message.provider, reader) : undefined,
  };
}

/** smsState is a state that an SMS can have. */
function smsState(state: MessageState): Exclude<MessageState, "queued" | "too_late" | "read"> {
  return state === "queued" || state === "too_late" ? "not_sent" : state === "read" ? "delivered" : state;
}

/** isOverruled reports whether a failure no longer matters: the message has arrived all the same, or is under way. */
function isOverruled(state: MessageState): boolean {
  return ["calling", "submitted", "sent", "delivered", "read"].includes(state);
}

/** whyOf says why a rule fired, or for a later call of the rule, why it went by another account. */
function whyOf({ rule, fired, routed, attempt }: Message, send: Send, reader: Reader): string {
  const { t } = reader;
  const why = rule && fired ? t(`verdict.fired.${fired.cause}`, firedWords(rule, fired, send, reader)) : "";
  if (!routed) {
    return why;
  }
  const change = t(`verdict.routed.${routed.reason}`, routedWords(routed, attempt?.account ?? ""));
  return routed.isFirst && why ? join(t, why, change) : change;
}

/** notesOf says what happened beside the messages. */
function notesOf(send: Send, messages: Message[], { t }: Reader): Line[] {
  const notes: Line[] = [];
  const add = (tone: Tone, text: string, at?: string) => notes.push({ about: "note", tone, text, at });
  const wasSent = (name: string) => messages.some(({ rule, state }) => rule?.name === name && state !== "not_sent");
  for (const { kind, at, rule = "", status, channel, code } of send.events) {
    if (kind === "averted" && !wasSent(rule) && (status === "sent" || status === "delivered" || status === "read")) {
      add("good", t(`verdict.averted.${status}`, { rule, at: slot }), at);
    } else if (kind === "opted_out") {
      // Without a provider's code, the list of opt-outs forbids the message.
      const found = code ? t("verdict.optedOut", { channel: t(`channel.${channel ?? "whatsapp"}`), at: slot }) : "";
      add("bad", found || t("verdict.onList", { at: slot }), at);
    } else if (kind === "expired") {
      add("warn", t("verdict.expired", { at: slot }), send.expires_at ?? at);
    } else if (kind === "cancelled") {
      add("quiet", t("verdict.cancelled", { at: slot }), at);
    } else if (kind === "gave_up" && !channel) {
      add("bad", t("verdict.abandoned", { at: slot }), at);
    }
  }
  if (send.confirmed_at) {
    add("good", t("verdict.confirmed", { at: slot }), send.confirmed_at);
  }
  if (send.duplicate_delivery) {
    // After the end of the send the timeline has only the receipt.
    const receipt = messages.find(({ channel, state }) => channel === "whatsapp" && state !== "resent");
    const event = send.events.find(({ kind }) => kind === "duplicate_delivery");
    add("warn", t("verdict.duplicate", { at: slot }), event?.at ?? receipt?.at);
  }
  const late = lateReceipt(send);
  if (late) {
    add("plain", t("verdict.late", { at: slot, outcome: t(`outcome.${late.outcome}`) }), late.at);
  }
  return notes;
}

/** lateReceipt returns the first receipt after the end of a send if the outcome has changed since, and the outcome at the end. */
function lateReceipt(send: Send): { at: string; outcome: Send["outcome"] } | undefined {
  const end = send.events.findIndex(({ kind }) => kind === "finished");
  const outcome = send.events[end]?.outcome ?? (send.events[end]?.detail as Send["outcome"] | undefined);
  const late = send.events.slice(end + 1).find(({ kind }) => kind === "receipt");
  return end >= 0 && late && outcome && outcome !== send.outcome ? { at: late.at, outcome } : undefined;
}
