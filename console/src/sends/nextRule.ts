// Which rule is next, as policy.go decides it, for the countdown.
import type { RuleType, Schemas, Send, Status } from "../api/client";

type PlannedRule = Schemas["PlannedRule"];

const rank: Record<Status, number> = { queued: 1, submitted: 2, sent: 3, failed: 4, delivered: 5, read: 6 };
const goal: Record<RuleType, Status> = { send_failed: "sent", undelivered: "delivered", unread: "read" };

/** satisfied says whether the status has reached what the rule asks for. A failed message has reached nothing. */
export function satisfied(status: Status, type: RuleType): boolean {
  return status !== "failed" && rank[status] >= rank[goal[type]];
}

/** nextRule is the rule whose wait ends first of those that may still fire; undefined when none will by time. */
export function nextRule(send: Send): (PlannedRule & { deadline: string }) | undefined {
  if (send.finished_at || send.sms) {
    return undefined;
  }
  const waiting = send.plan.rules.filter(
    (rule): rule is PlannedRule & { deadline: string } =>
      rule.deadline !== undefined && !satisfied(send.whatsapp.status, rule.type),
  );
  return waiting.sort((a, b) => Date.parse(a.deadline) - Date.parse(b.deadline))[0]; // sort is stable: ties by order
}
