// By which sender and account a message went out.
import type { Schemas, Send } from "../api/client";
import type { Reader } from "./explanation";

type Attempt = Schemas["Attempt"];

/** hasSeveral reports whether the account of an SMS must be named, because there is more than one. */
function hasSeveral({ attempts }: Send, { hasSeveralAccounts }: Reader): boolean {
  return hasSeveralAccounts || new Set(attempts.filter(isSMS).map(({ account }) => account)).size > 1;
}

function isSMS({ channel }: Attempt): boolean {
  return channel === "sms";
}

/** senderOf names the sender of an SMS: with its account, if there are several. */
export function senderOf(attempt: Attempt | undefined, send: Send, reader: Reader): string {
  const { send_id: sender = "", account } = attempt ?? {};
  return sender && account && hasSeveral(send, reader) ? reader.t("verdict.senderAt", { sender, account }) : sender;
}

/** accountText names the account of a message, unless it is the only one and has the name of its provider. */
export function accountText(attempt: Attempt | undefined, send: Send, reader: Reader): string | undefined {
  if (!attempt?.account) {
    return undefined;
  }
  const { account, provider } = attempt;
  const isNamed = account !== provider || (isSMS(attempt) && hasSeveral(send, reader));
  return isNamed ? reader.t("sends.account", { account }) : undefined;
}

/** Routed is why an account was tried in place of another of the same rule. */
export interface Routed {
  reason: Schemas["RouteReason"];
  before: string; // the other account; empty if it is not known
  isFirst: boolean; // whether the rule made no other call before
}

/** routedOf returns why an attempt of a rule took another account than the first; undefined if it did not. */
export function routedOf({ rule, account, started_at }: Attempt, send: Send): Routed | undefined {
  const event = send.events.find((one) => one.kind === "routed" && one.rule === rule && one.account === account);
  if (!event?.route_reason) {
    return undefined;
  }
  const earlier = send.attempts
    .filter((one) => isSMS(one) && one.rule === rule && one.account !== account && one.started_at <= started_at)
    .sort((a, b) => Date.parse(b.started_at) - Date.parse(a.started_at));
  const planned = send.plan.rules.find(({ name }) => name === rule)?.routes?.[0]?.account;
  const skipped = planned !== account ? planned : undefined;
  return {
    reason: event.route_reason,
    before: event.from ?? earlier[0]?.account ?? skipped ?? "",
    isFirst: earlier.length === 0,
  };
}

/** routedWords are the words for a text about a change of the account. */
export function routedWords({ before }: Routed, account: string) {
  return { account, before, context: before ? undefined : "unnamed" };
}
