import i18next from "i18next";
import { expect, test } from "vitest";
import type { Schemas, Status } from "../api/client";
import { setLanguage } from "../i18n";
import { progressOf, stepTitle } from "./progress";

type Event = Schemas["Event"];

const at = "2026-01-01T00:00:00Z";
const receipt = (channel: Event["channel"], status: Status, rule?: string): Event => ({
  at,
  kind: "receipt",
  ...(channel ? { channel } : {}),
  status,
  ...(rule ? { rule } : {}),
});
const attempt = (...args: Parameters<typeof receipt>): Event => ({ ...receipt(...args), kind: "attempt" });
const fired = (rule: string): Event => ({ at, kind: "rule_fired", channel: "sms", rule });

/** written returns the steps as a text: the finished ones, a cross before the failure, those to come in brackets. */
function written(...args: Parameters<typeof progressOf>): string {
  const marks = { finish: "", wait: "?", error: "x " };
  return progressOf(...args)
    .map(({ status, state }) => marks[state] + status)
    .join(", ");
}

test("a message that goes on has the steps that it reached, and those to come", () => {
  expect(written("whatsapp", "sent", [])).toBe("queued, submitted, sent, ?delivered, ?read");
  expect(written("sms", "delivered", [])).toBe("queued, submitted, sent, delivered");
});

test("a message that is rejected at once was only queued", () => {
  expect(written("whatsapp", "failed", [attempt("whatsapp", "failed")])).toBe("queued, x failed");
});

test("a message that fails later keeps the steps that it reached", () => {
  const events = [
    attempt("whatsapp", "submitted"),
    receipt("whatsapp", "sent"),
    receipt("whatsapp", "failed"),
    fired("A"),
    attempt("sms", "submitted", "A"),
    receipt("sms", "sent", "A"),
    receipt("sms", "failed", "A"),
  ];
  expect(written("whatsapp", "failed", events)).toBe("queued, submitted, sent, x failed");
  expect(written("sms", "failed", events)).toBe("queued, submitted, sent, x failed");
});

test("the SMS of an earlier rule counts for nothing, also if its receipt comes late", () => {
  const events = [
    fired("A"),
    attempt("sms", "submitted", "A"),
    receipt("sms", "failed", "A"),
    fired("B"),
    receipt("sms", "sent", "A"),
    attempt("sms", "failed", "B"),
  ];
  expect(written("sms", "failed", events)).toBe("queued, x failed");
});

test("the first step is in the past once the message has left the queue", async () => {
  await setLanguage("zh-CN");
  const t = i18next.getFixedT("zh-CN");
  const titles = (status: Status) => progressOf("sms", status, []).map((step) => stepTitle(step, t));
  expect(titles("queued")[0]).toBe("排队中");
  expect(titles("sent")[0]).toBe("已排队");
  expect(titles("failed")).toEqual(["已排队", "失败"]);
});
