// Which rule is next, as policy.go decides it, for the countdown.
import type { RuleType, Schemas, Send, Status } from "../api/client";

type PlannedRule = Schemas["PlannedRule"];

const rank: Record<Status, number> = { queued: 1, submitted: 2, sent: 3, failed: 4, delivered: 5, read: 6 };
const goal: Record<RuleType, Status> = { send_failed: "sent", undelivered: "delivered", unread: "read" };

/** satisfied says whether the status has reached what the rule asks for. A failed message has reached nothing. */
export function satisfied(status: Status, type: RuleType): boolean {
  return status !== "failed" && rank[status] >= rank[goal[type]];
}

/** isSpent says whether the rule's SMS went out, or may have, or failed for good. The SMS of a rule has two steps from 3 + 2i on. */
function isSpent(send: Send, place: number): boolean {
  return send.attempts.some((a) => a.step === 3 + 2 * place || a.step === 4 + 2 * place);
}

/**
 * nextRule is the rule whose wait ends first of those that may still fire; undefined when none will by time. While an SMS may
 * arrive no rule fires.
 */
export function nextRule(send: Send): (PlannedRule & { deadline: string }) | undefined {
  if (send.finished_at || (send.sms && send.sms.status !== "failed")) {
    return undefined;
  }
  const waiting = send.plan.rules.filter(
    (rule, place): rule is PlannedRule & { deadline: string } =>
      rule.deadline !== undefined && !satisfied(send.whatsapp.status, rule.type) && !isSpent(send, place),
  );
  return waiting.sort((a, b) => Date.parse(a.deadline) - Date.parse(b.deadline))[0]; // sort is stable: ties by order
}
