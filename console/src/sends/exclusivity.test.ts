import { beforeAll, expect, test } from "vitest";
import type { Schemas, SendInput } from "../api/client";
import { setLanguage, t } from "../i18n";
import { en } from "../i18n/en";
import { zhCN } from "../i18n/zh-CN";
import { inputOf, previewInput } from "./draft";
import { exclusivityText } from "./ExclusivityLine";

beforeAll(() => setLanguage("zh-CN"));

const draft = { to: "+447400123456", kind: "text", text: "hello", sms: "hi", policy: "p" } as const;

test("both languages have a text for each level and reason", () => {
  for (const { exclusive } of [en, zhCN]) {
    const levels: Record<Schemas["Exclusivity"]["level"], string> = exclusive.levels;
    const reasons: Record<Schemas["Exclusivity"]["reason"], string> = exclusive.reasons;
    for (const text of [levels, reasons].flatMap(Object.values)) {
      expect(text).toMatch(/\S/);
    }
  }
});

test("the text of a reason has its numbers", () => {
  const numbers = { rule: "Soon", wait_seconds: 300, whatsapp_seconds: 43_200, grace_seconds: 15 };
  const of = (reason: Schemas["Exclusivity"]["reason"]) =>
    exclusivityText({ level: "no", reason, detail: "", ...numbers }, t);
  expect(of("wait_too_short")).toBe("规则“Soon”等待 5 分钟，而 WhatsApp 最长会尝试 12 小时。");
  expect(of("dropped_before")).toContain("15 秒");
  const unknown = { level: "no", reason: "purple" as "unread", detail: "as purple as it gets" } as const;
  expect(exclusivityText(unknown, t)).toBe("as purple as it gets");
});

test("a send is exclusive only if it says so", () => {
  expect(inputOf(draft).fallback).not.toHaveProperty("exclusive");
  expect(inputOf({ ...draft, exclusive: false }).fallback).not.toHaveProperty("exclusive");
  expect(inputOf({ ...draft, exclusive: true }).fallback.exclusive).toBe(true);
});

test("a preview is exclusive once its WhatsApp message is complete", () => {
  const of = (input: SendInput) => previewInput(input)?.fallback;
  expect(of(inputOf({ ...draft, exclusive: true }))).toMatchObject({ exclusive: true, text: "hi" });
  expect(of(inputOf({ ...draft, text: "", exclusive: true }))).not.toHaveProperty("exclusive");
  expect(of(inputOf(draft))).not.toHaveProperty("exclusive");
});
