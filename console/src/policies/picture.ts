// The content of a policy's picture. The law is in docs/rules.md, rule.go and policy.go.
import { sendersOf } from "../accounts/routes";
import type { RuleType, Schemas, Send } from "../api/client";
import type { RuleShape } from "../rules/meaning";
import { isScheduled, originOf } from "../sends/schedule";

export interface PictureRule extends RuleShape {
  id?: string | undefined; // absent if it is the rule of one send
  name: string;
}

/** Stop is a rule at the end of its wait. */
export interface Stop {
  rule: PictureRule;
  spareOf: PictureRule | undefined; // a rule that is due before: in time, this rule fires only after the SMS of that one has failed
}

export type Warning =
  | { kind: "refused" } // no rule applies to some recipients, or to the recipients of the country
  | { kind: "noWait" }
  | { kind: "sameSender"; rule: PictureRule; other: PictureRule };

export interface Picture {
  timed: Stop[]; // the rules with a wait, the shortest first
  chain: PictureRule[]; // after a failure of WhatsApp, each next one after a failed SMS
  warnings: Warning[];
}

/** rulesIn returns the rules that apply to recipients in a country; all rules if it is empty. */
export function rulesIn<R extends PictureRule>(rules: R[], country: string): R[] {
  return country ? rules.filter((rule) => isEverywhere(rule) || rule.countries?.includes(country)) : rules;
}

/** pictureOf returns the picture of a policy's rules, in the order of the policy, for recipients in a country or in all. */
export function pictureOf(rules: PictureRule[], country = ""): Picture {
  const chain = country ? rulesIn(rules, country).map((rule) => ({ ...rule, countries: [] })) : rules;
  const timed = chain.filter(waitOf).sort((a, b) => waitOf(a) - waitOf(b)); // stable: the order of the policy settles a tie
  return {
    chain,
    timed: timed.map((rule) => ({ rule, spareOf: timed.find((other) => comesFirst(other, rule, chain)) })),
    warnings: warningsOf(rules, chain),
  };
}

function warningsOf(rules: PictureRule[], chain: PictureRule[]): Warning[] {
  if (rules.length === 0) {
    return []; // nothing is chosen yet
  }
  if (chain.length === 0) {
    return [{ kind: "refused" }];
  }
  return [
    ...(chain.some(isEverywhere) ? [] : [{ kind: "refused" } as const]),
    ...(chain.some(waitOf) ? [] : [{ kind: "noWait" } as const]),
    ...sameSenders(chain),
  ];
}

/** sameSenders returns each rule that only repeats the SMS of another rule, from the same senders and by the same accounts. */
function sameSenders(chain: PictureRule[]): Warning[] {
  const repeated = new Map<PictureRule, PictureRule>();
  for (const rule of chain.toReversed()) {
    const other = chain.find((other) => !repeated.has(other) && repeats(rule, other, chain));
    if (other) {
      repeated.set(rule, other);
    }
  }
  return [...repeated].reverse().map(([rule, other]) => ({ kind: "sameSender", rule, other }));
}

/**
 * repeats reports whether a rule can only repeat the sender of another rule, after the SMS of that rule has failed. So the other
 * rule must be due whenever this one is. In the policy's order it comes first, or only rules of the same sender lie between.
 */
function repeats(rule: PictureRule, other: PictureRule, chain: PictureRule[]): boolean {
  const [at, before] = [chain.indexOf(rule), chain.indexOf(other)];
  return (
    rule !== other &&
    isSameSender(rule, other) &&
    isWider(other, rule) &&
    (!waitOf(rule) || isDueWith(other, rule)) &&
    (before < at || chain.slice(at, before).every((between) => isSameSender(between, rule)))
  );
}

/** comesFirst reports whether the first rule fires instead of the second, as long as WhatsApp has not failed. */
function comesFirst(first: PictureRule, second: PictureRule, chain: PictureRule[]): boolean {
  const isTie = waitOf(first) === waitOf(second);
  return (
    first !== second &&
    isWider(first, second) &&
    isDueWith(first, second) &&
    (!isTie || chain.indexOf(first) < chain.indexOf(second))
  );
}

/** isDueWith reports whether the first rule is due whenever the second is, as long as WhatsApp has not failed. */
function isDueWith(first: PictureRule, second: PictureRule): boolean {
  const wait = waitOf(first);
  return wait > 0 && wait <= waitOf(second) && goals.indexOf(first.type) >= goals.indexOf(second.type);
}

// The types in the order of their goals. A message that has reached one has reached those before it.
const goals: RuleType[] = ["send_failed", "undelivered", "unread"];

/** isWider reports whether the first rule applies to all recipients of the second. */
function isWider(first: PictureRule, second: PictureRule): boolean {
  return (
    isEverywhere(first) ||
    (!isEverywhere(second) && (second.countries ?? []).every((country) => first.countries?.includes(country)))
  );
}

function isSameSender(a: PictureRule, b: PictureRule): boolean {
  return sendersOf(a).join() === sendersOf(b).join();
}

function isEverywhere(rule: PictureRule): boolean {
  return !rule.countries?.length;
}

function waitOf(rule: PictureRule): number {
  return rule.wait_seconds ?? 0;
}

/** Fired is a rule of a send that fired, with its result. */
export interface Fired {
  rule: string; // its name
  at: Date;
  result: "delivered" | "failed" | "waiting" | "averted";
  reason?: Schemas["FallbackReason"] | undefined;
}

export interface Happened {
  fired: Fired[];
  now?: Date | undefined; // absent before the start of a scheduled send, and after the end of the send
  acceptedAt: Date; // or when the send started, if it was scheduled
}

/** happenedOf returns what has happened to the plan of a send. */
export function happenedOf(send: Send, now: Date): Happened {
  const fired = send.attempts
    .filter(({ channel, rule }) => channel === "sms" && rule)
    .map(
      (attempt): Fired => ({
        rule: attempt.rule ?? "",
        at: new Date(attempt.started_at),
        result: resultOf(attempt),
        reason: attempt.cause,
      }),
    );
  const averted = send.events
    .filter(({ kind, rule }) => kind === "averted" && rule && !fired.some((one) => one.rule === rule))
    .map((event): Fired => ({ rule: event.rule ?? "", at: new Date(event.at), result: "averted" }));
  return {
    fired: lastOfEach([...averted, ...fired]),
    now: send.finished_at || isScheduled(send) ? undefined : now,
    acceptedAt: new Date(originOf(send)),
  };
}

function resultOf({ status, state }: Send["attempts"][number]): Fired["result"] {
  if (status === "delivered" || status === "read") {
    return "delivered";
  }
  return status === "failed" || state === "rejected" ? "failed" : "waiting";
}

function lastOfEach(fired: Fired[]): Fired[] {
  return [...new Map(fired.map((one) => [one.rule, one])).values()];
}

/** isByTime reports whether the end of a rule's wait fired it, and not a failure. */
export function isByTime({ reason, at }: Fired, rule: PictureRule, acceptedAt: Date): boolean {
  if (reason) {
    return reason !== "failed" && waitOf(rule) > 0;
  }
  return waitOf(rule) > 0 && at.getTime() - acceptedAt.getTime() >= waitOf(rule) * 1000;
}
