// The words of the timeline. They are written here, from the codes and names of an event.
import { firstSender } from "../accounts/routes";
import type { Schemas, Send } from "../api/client";
import { type Explanation, explain, type Reader } from "./explanation";
import { firedOf, firedWords } from "./fired";
import { accountText, type Routed, routedOf, routedWords } from "./sender";

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
  const routed = event.kind === "routed" ? reasonOf(event, attempt, send) : undefined;
  const calls = /\(call ([0-9]+)\)$/.exec(event.detail ?? "")?.[1];
  const words = [
    event.channel && event.kind !== "rule_fired" && t(`channel.${event.channel}`),
    event.status ? t(`status.${event.status}`) : failure && !isUncalled(event) && t(`attempts.states.${failure.kind}`),
    event.rule && t("sends.ruleNamed", { rule: event.rule }),
    event.account && accountOf(event, attempt, send, reader),
    routed && t(`event.routedBecause.${routed.reason}`, routedWords(routed, event.account ?? "")),
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

/** isUncalled reports whether an event is a call that was not made. */
export function isUncalled({ kind, failure }: Event): boolean {
  return kind === "attempt" && Boolean(failure?.not_called);
}

/** accountOf names the account of an event. A change of the account always has its name. */
function accountOf(event: Event, attempt: Schemas["Attempt"] | undefined, send: Send, reader: Reader) {
  return event.kind === "routed"
    ? reader.t("sends.account", { account: event.account })
    : accountText(attempt, send, reader);
}

/** reasonOf returns why the account changed. The timeline has the change before the call by the new account. */
function reasonOf(event: Event, attempt: Schemas["Attempt"] | undefined, send: Send): Routed | undefined {
  const found = attempt && routedOf(attempt, send);
  return found ?? (event.route_reason && { reason: event.route_reason, before: event.from ?? "", isFirst: true });
}

function whyFired(event: Event, attempt: Schemas["Attempt"] | undefined, send: Send, reader: Reader): string[] {
  const { t } = reader;
  const rule = send.plan.rules.find(({ name }) => name === event.rule);
  if (!rule) {
    return [];
  }
  const fired = firedOf(rule, attempt, send);
  return [
    t(`event.causes.${fired.cause}`, firedWords(rule, fired, send, reader)),
    t("sends.from", { sender: firstSender(rule) }),
  ];
}

/** attemptOf returns the newest attempt that an event may be about. */
function attemptOf({ channel, rule, account }: Event, { attempts }: Send): Schemas["Attempt"] | undefined {
  const all = attempts.filter((one) => one.channel === channel && (channel === "whatsapp" || one.rule === rule));
  return (account && all.findLast((one) => one.account === account)) || all.at(-1);
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
