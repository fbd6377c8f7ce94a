// Which rule is next, as policy.go decides it, for the countdown.
import type { RuleType, Schemas, Send, Status } from "../api/client";

type PlannedRule = Schemas["PlannedRule"];

const rank: Record<Status, number> = { queued: 1, submitted: 2, sent: 3, failed: 4, delivered: 5, read: 6 };
const goal: Record<RuleType, Status> = { send_failed: "sent", undelivered: "delivered", unread: "read" };

/** satisfied says whether the status has reached what the rule asks for. A failed message has reached nothing. */
export function satisfied(status: Status, type: RuleType): boolean {
  return status !== "failed" && rank[status] >= rank[goal[type]];
}

/** isSpent is whether the rule's SMS was tried. The SMS of rule i has step 3 + 2i, its resend step 4 + 2i. */
function isSpent(send: Send, place: number): boolean {
  return send.attempts.some((a) => a.step === 3 + 2 * place || a.step === 4 + 2 * place);
}

/**
 * nextRule is the rule that fires next by the end of its wait; undefined if there is none. No rule fires while an SMS may
 * still arrive.
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
