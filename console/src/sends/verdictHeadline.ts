// The first words of a verdict.

import { firstSender } from "../accounts/routes";
import type { Send } from "../api/client";
import { providerName, type Reader } from "./explanation";
import { type Message, mayBeOut, newestSMS } from "./messages";
import { isScheduled } from "./schedule";
import { senderOf } from "./sender";

/** headlineOf returns the state of a send in a few words. */
export function headlineOf(send: Send, messages: Message[], reader: Reader): string {
  if (send.outcome === "confirmed") {
    return reader.t("verdict.headline.confirmed");
  }
  if (send.outcome === "cancelled") {
    const isOut = messages.some(({ state }) => mayBeOut(state));
    return reader.t(isOut ? "verdict.headline.cancelledOut" : "verdict.headline.cancelled");
  }
  const arrived = arrivedHeadline(send, messages, reader);
  if (arrived) {
    return arrived;
  }
  return send.finished_at ? endedHeadline(send, messages, reader) : openHeadline(send, messages, reader);
}

function arrivedHeadline(send: Send, messages: Message[], reader: Reader): string | undefined {
  const { t } = reader;
  const isRead = send.whatsapp.status === "read";
  const byWhatsApp = isRead || send.whatsapp.status === "delivered";
  const sms = messages.find(({ channel, state }) => channel === "sms" && (state === "delivered" || state === "read"));
  if (sms) {
    const sender = senderOf(sms.attempt, send, reader);
    return byWhatsApp
      ? t(send.duplicate_delivery ? "verdict.headline.twice" : "verdict.headline.both", { sender })
      : t("verdict.headline.sms", { sender });
  }
  if (!byWhatsApp) {
    return undefined;
  }
  if (!send.finished_at && send.sms && send.sms.status !== "failed") {
    return t("verdict.headline.deliveredSMS");
  }
  return t(
    isRead
      ? "verdict.headline.read"
      : send.next_rule
        ? "verdict.headline.deliveredWaiting"
        : "verdict.headline.whatsapp",
  );
}

function endedHeadline(send: Send, messages: Message[], { t }: Reader): string {
  const has = (kind: Send["events"][number]["kind"]) => send.events.some((event) => event.kind === kind);
  if (send.outcome === "unconfirmed") {
    return t("verdict.headline.unconfirmed");
  }
  if (has("opted_out")) {
    return t("verdict.headline.optedOut");
  }
  if (send.outcome === "expired") {
    return t("verdict.headline.expired");
  }
  if (send.events.some(({ kind, channel }) => kind === "gave_up" && !channel)) {
    return t("verdict.headline.abandoned");
  }
  return t(newestSMS(messages) ? "verdict.headline.failed" : "verdict.headline.failedWhatsApp");
}

function openHeadline(send: Send, messages: Message[], reader: Reader): string {
  const { t } = reader;
  if (isScheduled(send)) {
    return t("verdict.headline.scheduled");
  }
  const newest = newestSMS(messages);
  const isOut = send.sms && send.sms.status !== "failed";
  const words = {
    sender: senderOf(newest?.attempt, send, reader),
    provider: providerName(newest?.provider ?? "", reader.providers),
  };
  if (newest && isOut) {
    switch (newest.state) {
      case "calling":
        return t("verdict.headline.smsCalling", words);
      case "held":
        return t("verdict.headline.smsHeld", words);
      case "retrying":
        return t("verdict.headline.smsRetrying", words);
      case "unknown":
        return t("verdict.headline.smsUnknown", words);
      case "submitted":
        return t("verdict.headline.smsSubmitted", words);
      default:
        return t("verdict.headline.smsSent", words);
    }
  }
  const next = send.plan.rules.find(({ name }) => name === send.next_rule);
  if (newest) {
    return next
      ? t("verdict.headline.smsFailedNext", { ...words, next: firstSender(next) })
      : t("verdict.headline.smsFailed", words);
  }
  return whatsAppHeadline(messages, next && firstSender(next), t);
}

function whatsAppHeadline(messages: Message[], next: string | undefined, t: Reader["t"]): string {
  const state = messages.findLast(({ channel }) => channel === "whatsapp")?.state;
  switch (state) {
    case "calling":
    case "held":
    case "retrying":
    case "unknown":
    case "submitted":
    case "sent":
      return t(`verdict.headline.${state}`);
    case "rejected":
    case "failed":
    case "gave_up":
    case "not_sent":
    case "too_late":
      return next ? t("verdict.headline.whatsappFailedNext", { sender: next }) : t("verdict.headline.whatsappFailed");
    default:
      return t("verdict.headline.queued");
  }
}
