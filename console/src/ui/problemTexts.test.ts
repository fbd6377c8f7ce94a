import i18n from "i18next";
import { beforeAll, expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { setLanguage, t } from "../i18n";
import { en } from "../i18n/en";
import { zhCN } from "../i18n/zh-CN";
import { fieldText, warningText } from "./problemTexts";

beforeAll(() => setLanguage("zh-CN"));

test("both languages have a text for each code of the contract", () => {
  for (const { problem, newSend } of [en, zhCN]) {
    const fields: Record<Schemas["FieldErrorCode"], string> = problem.fields; // does not compile without a code
    const codes: Record<Schemas["Problem"]["code"], string> = problem.codes;
    const warnings: Record<Schemas["Warning"]["code"], string> = newSend.warningDetails;
    for (const text of [fields, codes, warnings].flatMap(Object.values)) {
      expect(text).toMatch(/\S/);
    }
  }
});

test("the text of a field has its parameters", () => {
  const field = { field: "name", reason: "must have at most 64 characters" };
  expect(fieldText({ ...field, code: "length_max", params: { max: "64" } }, t)).toBe("最多 64 个字符");
  expect(fieldText({ ...field, code: "trunk_digits" }, t)).not.toContain("？");
  expect(fieldText({ ...field, code: "trunk_digits", params: { meant: "+447400123456" } }, t)).toContain(
    "+447400123456",
  );
});

test("no rule of the send itself applies", () => {
  const field = { field: "to", code: "no_rule_applies" as const, reason: "" };
  expect(fieldText({ ...field, params: { policy: "P", country: "GB" } }, t)).toContain("“P”");
  expect(fieldText({ ...field, params: { policy: "", country: "GB" } }, t)).not.toContain("“");
});

test("a code that the console does not know has the API's text", () => {
  const field = { field: "name", reason: "is too purple", code: "too_purple" as "required" };
  expect(fieldText(field, t)).toBe("is too purple");
});

test("the text of a warning has its parameters", () => {
  const params = { rule: "Unread", wait_seconds: "300", whatsapp_seconds: "2592000" };
  expect(warningText({ code: "both_may_arrive", detail: "", params }, t, i18n.language)).toBe(
    "规则“Unread”等待 5 分钟，而 WhatsApp 最长会尝试 30 天：两条消息都可能送达。",
  );
  const refused = { rule: "Unread", send_id: "ACME", country: "CN" };
  expect(warningText({ code: "send_id_not_accepted", detail: "", params: refused }, t, i18n.language)).toContain(
    "中国",
  );
});

test("the words of a provider and of the API about a template are the console's", () => {
  const wrong = (code: "template_not_approved" | "template_parameters", params: Record<string, string>) =>
    fieldText({ field: "", code, reason: "", params }, t);
  expect(wrong("template_not_approved", { status: "in_appeal" })).toBe("未通过审核，状态为“申诉中”");
  expect(wrong("template_parameters", { component: "button 1", want: "1", have: "0" })).toBe(
    "第 2 个按钮需要的参数：1；实际提供：0",
  );
});
