import i18next from "i18next";
import { beforeAll, expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { setLanguage } from "../i18n";
import { eventText } from "./eventText";
import type { Reader } from "./explanation";
import { FakeSend, plannedRule } from "./fakeSend";
import { firedOf } from "./fired";

beforeAll(async () => {
  await setLanguage("zh-CN"); // loads it
  await setLanguage("en");
});

const first = plannedRule("acme", { wait_seconds: 1 });
const unreachable: Schemas["AttemptFailure"] = { kind: "rejected", code: "30003", reason: "Unreachable handset" };

function readerOf(language: string, hasSeveralAccounts = false): Reader {
  return { t: i18next.getFixedT(language), language, codes: [], providers: [], hasSeveralAccounts };
}

/** afterFailedSMS is a send whose first SMS failed at 4 s, and whose second rule fired after that. */
function afterFailedSMS(second: Schemas["PlannedRule"], cause: Schemas["FallbackReason"]): FakeSend {
  return new FakeSend(first, second)
    .calls(undefined, "accepted")
    .fires("acme", "not_delivered")
    .calls("acme", "accepted")
    .receipt("acme", "failed", unreachable)
    .fires("spare", cause)
    .calls("spare", "accepted");
}

function causeOf({ send }: FakeSend) {
  const rule = send.plan.rules[1] ?? first;
  return firedOf(rule, undefined, send);
}

const ofSMS = { cause: "sms_failed_code", failed: expect.anything(), sender: "ACME", code: "30003" };

test("a rule that was due fires because the SMS before it failed", () => {
  expect(causeOf(afterFailedSMS(plannedRule("spare", { wait_seconds: 4 }), "not_delivered"))).toEqual(ofSMS);
  expect(causeOf(afterFailedSMS(plannedRule("spare", { wait_seconds: 60 }), "failed"))).toEqual(ofSMS);
});

test("a rule whose wait ends after the failed SMS fires because of its wait", () => {
  const send = afterFailedSMS(plannedRule("spare", { wait_seconds: 5 }), "not_delivered");
  expect(causeOf(send)).toEqual({ cause: "not_delivered" });
});

test("a rule fires because of WhatsApp if WhatsApp fails after the SMS", () => {
  const send = new FakeSend(first, plannedRule("spare"))
    .calls(undefined, "accepted")
    .fires("acme", "not_delivered")
    .calls("acme", "rejected", unreachable)
    .receipt(undefined, "failed")
    .fires("spare", "failed")
    .calls("spare", "accepted");
  expect(causeOf(send)).toEqual({ cause: "failed" });
});

test("the timeline says that the SMS before had failed", () => {
  const { send } = afterFailedSMS(plannedRule("spare"), "failed");
  const fired = send.events.findLast(({ kind }) => kind === "rule_fired") ?? { at: "", kind: "rule_fired" as const };
  const words = (language: string) => eventText(fired, send, readerOf(language)).words;
  expect(words("en")).toContain("the SMS from ACME failed (30003)");
  expect(words("zh-CN")).toContain("ACME 的短信失败（30003）");
});

test("the timeline says by which account a call went, and why another one followed", () => {
  const rule = plannedRule("acme", { routes: [{ account: "uk" }, { account: "de" }] });
  const { send } = new FakeSend(rule)
    .calls(undefined, "accepted")
    .fires("acme", "failed")
    .calls("acme", "rejected", { kind: "rejected", class: "account", code: "20003" }, 1, "uk")
    .routes("acme", "de", "refused")
    .calls("acme", "accepted", undefined, 1, "de");
  const words = (language: string) =>
    send.events.slice(3).map((event) => eventText(event, send, readerOf(language)).words);
  expect(words("en")).toEqual([
    ["SMS", "Failed", "rule “acme”", "account uk"],
    ["SMS", "rule “acme”", "account de", "uk refused, for a reason of its own"],
    ["SMS", "Submitted", "rule “acme”", "account de"],
  ]);
  expect(words("zh-CN")[1]).toEqual(["短信", "规则“acme”", "账户 de", "uk 因自身原因拒绝"]);
});

test("the only account is not named if it has the name of its provider", () => {
  const { send } = new FakeSend(first).calls(undefined, "accepted").fires("acme", "failed").calls("acme", "accepted");
  const event = send.events[3] ?? { at: "", kind: "attempt" as const };
  expect(eventText(event, send, readerOf("en")).words).toEqual(["SMS", "Submitted", "rule “acme”"]);
  expect(eventText(event, send, readerOf("en", true)).words).toContain("account twilio");
});
