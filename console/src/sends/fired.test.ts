import i18next from "i18next";
import { beforeAll, expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { setLanguage } from "../i18n";
import { eventText } from "./eventText";
import { FakeSend, plannedRule } from "./fakeSend";
import { firedOf } from "./fired";

beforeAll(async () => {
  await setLanguage("zh-CN"); // loads it
  await setLanguage("en");
});

const first = plannedRule("acme", { wait_seconds: 1 });
const unreachable: Schemas["AttemptFailure"] = { kind: "rejected", code: "30003", reason: "Unreachable handset" };

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

const ofSMS = { cause: "sms_failed_code", sender: "ACME", code: "30003" };

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
  const words = (language: string) =>
    eventText(fired, send, {
      t: i18next.getFixedT(language),
      language,
      codes: [],
      providers: [],
      hasSeveralAccounts: false,
    }).words;
  expect(words("en")).toContain("the SMS from ACME failed (30003)");
  expect(words("zh-CN")).toContain("ACME 的短信失败（30003）");
});
