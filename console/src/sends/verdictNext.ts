// What comes next for a send.
import type { TFunction } from "i18next";
import { firstSender } from "../accounts/routes";
import type { Schemas, Send } from "../api/client";
import { type Message, mayBeOut } from "./messages";
import { type Line, slot } from "./verdictLine";

type Rule = Schemas["PlannedRule"];

/** nextOf says which message follows, if any. Times are in ms by the server's clock. */
export function nextOf(send: Send, messages: Message[], now: number, t: TFunction): Line[] {
  const line = (text: string, at?: string): Line => ({ about: "next", tone: "quiet", text, at });
  if (send.finished_at) {
    return [line(t(awaitsReceipts(send, messages) ? "verdict.next.perhaps" : "verdict.next.nothing"))];
  }
  const rule = send.plan.rules.find(({ name }) => name === send.next_rule);
  if (rule && send.next_deadline) {
    const isDue = Date.parse(send.next_deadline) <= now;
    const words = { rule: rule.name, sender: firstSender(rule), at: slot };
    return [
      isDue ? line(t("verdict.next.due", words)) : line(t(`verdict.next.${rule.type}`, words), send.next_deadline),
      ...expiryOf(send, line, t),
    ];
  }
  return [...withoutDeadline(send, messages, line, t), ...expiryOf(send, line, t)];
}

/** awaitsReceipts reports whether a receipt may change what is known of a send that has ended. */
function awaitsReceipts({ outcome }: Send, messages: Message[]): boolean {
  const isOfCaller = outcome === "cancelled" || outcome === "confirmed";
  return outcome === "unconfirmed" || (isOfCaller && messages.some(({ state }) => mayBeOut(state)));
}

type NewLine = (text: string, at?: string) => Line;

function expiryOf(send: Send, line: NewLine, t: TFunction): Line[] {
  return send.expires_at ? [line(t("verdict.next.expires", { at: slot }), send.expires_at)] : [];
}

/** withoutDeadline says what follows if no rule fires by the time alone. */
function withoutDeadline(send: Send, messages: Message[], line: NewLine, t: TFunction): Line[] {
  const unused = unusedRule(send, messages);
  const words = { rule: unused?.name, sender: unused && firstSender(unused) };
  if (send.sms && send.sms.status !== "failed") {
    if (send.sms.status === "delivered") {
      return [line(t("verdict.next.nothing"))];
    }
    return [line(unused ? t("verdict.next.smsFails", words) : t("verdict.next.smsLast"))];
  }
  const hasArrived = send.whatsapp.status === "delivered" || send.whatsapp.status === "read";
  const mayFail = !hasArrived && send.whatsapp.status !== "failed";
  return [line(unused && mayFail ? t("verdict.next.whatsappFails", words) : t("verdict.next.nothing"))];
}

/** unusedRule returns the first rule that may still fire. Without a wait, a rule fires only after a WhatsApp failure. */
function unusedRule(send: Send, messages: Message[]): Rule | undefined {
  const isUsed = ({ name }: Rule) => messages.some(({ rule, state }) => rule?.name === name && state !== "not_sent");
  const hasArrived = send.whatsapp.status === "delivered" || send.whatsapp.status === "read";
  return send.plan.rules.find((rule) => !isUsed(rule) && !rule.satisfied && (rule.wait_seconds || !hasArrived));
}
