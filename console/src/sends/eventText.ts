// The words of the timeline. They are written here, from the codes and names of an event.
import type { Schemas, Send } from "../api/client";
import { type Explanation, explain, type Reader } from "./explanation";
import { firedOf, firedWords } from "./fired";

type Event = Schemas["Event"];

export interface EventText {
  words: string[]; // after the kind of the event
  explanation?: Explanation | undefined; // of a failure
  log?: string | undefined; // what Backstop noted, in English
}

/** eventText returns what is to be said of an event beside its kind. */
export function eventText(event: Event, send: Send, reader: Reader): EventText {
  const { t } = reader;
  const attempt = attemptOf(event, send);
  const failure = failureOf(event, attempt);
  const calls = /\(call ([0-9]+)\)$/.exec(event.detail ?? "")?.[1];
  const words = [
    event.channel && event.kind !== "rule_fired" && t(`channel.${event.channel}`),
    event.status ? t(`status.${event.status}`) : failure && t(`attempts.states.${failure.kind}`),
    event.rule && t("sends.ruleNamed", { rule: event.rule }),
    ...(event.kind === "rule_fired" ? whyFired(event, attempt, send, reader) : []),
    event.kind === "attempt" && calls && t("event.call", { number: calls }),
    event.kind === "finished" && t(`outcome.${event.outcome ?? (event.detail as Send["outcome"])}`),
    event.kind === "gave_up" && !event.channel && t("event.abandoned"),
  ];
  return {
    words: words.filter((word): word is string => Boolean(word)),
    explanation: failure && explain(failure, attempt?.provider ?? "", reader),
    log: event.kind === "gave_up" && !event.channel ? event.detail : undefined,
  };
}

function whyFired(event: Event, attempt: Schemas["Attempt"] | undefined, send: Send, { t }: Reader): string[] {
  const rule = send.plan.rules.find(({ name }) => name === event.rule);
  if (!rule) {
    return [];
  }
  const fired = firedOf(rule, attempt, send);
  return [t(`event.causes.${fired.cause}`, firedWords(rule, fired, t)), t("sends.from", { sender: rule.send_id })];
}

/** attemptOf returns the newest attempt that an event may be about. */
function attemptOf({ channel, rule }: Event, { attempts }: Send): Schemas["Attempt"] | undefined {
  return attempts.findLast((one) => one.channel === channel && (channel === "whatsapp" || one.rule === rule));
}

/** failureOf returns the failure of an event. Older events have only its code: the rest is then that of the attempt. */
function failureOf({ failure, code, status }: Event, attempt: Schemas["Attempt"] | undefined) {
  if (failure) {
    return { ...failure, code };
  }
  if (!code) {
    return undefined;
  }
  const same = attempt?.failure?.code === code ? attempt.failure : undefined;
  return same ?? { kind: status === "failed" ? ("rejected" as const) : ("unavailable" as const), code };
}
