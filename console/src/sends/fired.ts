// Why a rule fired.
import type { RuleType, Schemas, Send } from "../api/client";
import { duration } from "../ui/time";
import type { Reader } from "./explanation";
import { originOf } from "./schedule";
import { senderOf } from "./sender";

type Attempt = Schemas["Attempt"];
type Event = Schemas["Event"];
type Rule = Schemas["PlannedRule"];
type Reason = Schemas["FallbackReason"];

export interface Fired {
  cause: Reason | "sms_failed" | "sms_failed_code"; // the last two: the SMS of an earlier rule failed
  failed?: Attempt | undefined; // the SMS that failed
  sender?: string | undefined; // of the SMS that failed
  code?: string | undefined; // of its failure
}

/** firedOf returns why a rule fired. A rule that was due already waits for the SMS before it, and fires once that SMS fails. */
export function firedOf(rule: Rule, attempt: Attempt | undefined, send: Send): Fired {
  const fired = send.events.findIndex(({ kind, rule: name }) => kind === "rule_fired" && name === rule.name);
  const reason = attempt?.cause ?? send.events[fired]?.cause ?? reasonOf(rule, fired, send);
  const failed = failedSMS(fired, send);
  if (!failed || !wasDue(rule, reason, failed, send)) {
    return { cause: reason };
  }
  const before = send.attempts.findLast(({ channel, rule: name }) => channel === "sms" && name === failed.rule);
  const code = failed.code ?? before?.failure?.code;
  const sender = before?.send_id ?? send.plan.rules.find(({ name }) => name === failed.rule)?.send_id ?? "";
  return { cause: code ? "sms_failed_code" : "sms_failed", failed: before, sender, code };
}

/** firedWords are the words for a text of the cause. */
export function firedWords(rule: Rule, { failed, sender = "", code = "" }: Fired, send: Send, reader: Reader) {
  const wait = duration(rule.wait_seconds ?? 0, reader.t);
  return { rule: rule.name, wait, sender: senderOf(failed, send, reader) || sender, code };
}

/** failedSMS returns the failure of the SMS of the rule that fired before. */
function failedSMS(fired: number, { events }: Send): Event | undefined {
  const former = events.slice(0, Math.max(0, fired)).findLastIndex(({ kind }) => kind === "rule_fired");
  const { rule } = events[former] ?? {};
  return former < 0
    ? undefined
    : events
        .slice(former, fired)
        .find((event) => event.channel === "sms" && event.status === "failed" && event.rule === rule);
}

/** wasDue reports whether a rule was due when the SMS before it failed: WhatsApp had failed, or the wait had ended. */
function wasDue(rule: Rule, reason: Reason, failed: Event, send: Send): boolean {
  const before = send.events.slice(0, send.events.indexOf(failed));
  if (reason === "failed") {
    return before.some(isWhatsAppFailure) || !send.events.some(isWhatsAppFailure);
  }
  const deadline = rule.deadline
    ? Date.parse(rule.deadline)
    : Date.parse(originOf(send)) + (rule.wait_seconds ?? 0) * 1000;
  return deadline <= Date.parse(failed.at);
}

function isWhatsAppFailure({ channel, status }: Event): boolean {
  return channel === "whatsapp" && status === "failed";
}

const missed: Record<RuleType, Reason> = {
  send_failed: "not_sent",
  undelivered: "not_delivered",
  unread: "not_read",
};

/** reasonOf returns the reason by the timeline: older sends have none. */
function reasonOf(rule: Rule, fired: number, send: Send): Reason {
  const before = send.events.slice(0, fired < 0 ? undefined : fired).filter(({ channel }) => channel === "whatsapp");
  if (before.some(isWhatsAppFailure)) {
    return "failed";
  }
  return before.length === 0 && !send.attempts.some(({ channel }) => channel === "whatsapp")
    ? "too_late"
    : missed[rule.type];
}
