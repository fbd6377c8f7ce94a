import i18next from "i18next";
import { expect, test } from "vitest";
import { setLanguage, t } from "../i18n";
import { meaning, summary } from "./meaning";

const rule = { type: "unread", wait_seconds: 5400, send_id: "ACME" } as const;

test.each([
  [rule, "If the message fails or is not read within 1 h 30 min, send it by SMS from ACME."],
  [{ ...rule, wait_seconds: undefined }, "If the message is not read within …, send it by SMS from ACME."], // not yet valid
  [
    { ...rule, type: "undelivered", wait_seconds: undefined },
    "If the provider reports that the message failed, send it by SMS from ACME.",
  ],
  [
    { ...rule, type: "send_failed", send_id: "" },
    "If the message fails or is not sent within 1 h 30 min, send it by SMS from its SendID.",
  ],
] as const)("%j", (shape, sentence) => {
  expect(meaning(shape, t, "en")).toBe(sentence);
});

test("up to four countries are named, and the others counted", () => {
  const inCountries = (...countries: string[]) => meaning({ ...rule, countries }, t, "en").split(". ")[1];
  expect(inCountries("GB")).toBe("Only to recipients in United Kingdom.");
  expect(inCountries("GB", "IE", "FR", "DE")).toBe(
    "Only to recipients in United Kingdom, Ireland, France, or Germany.",
  );
  expect(inCountries("GB", "IE", "FR", "DE", "IT", "ES")).toContain("Germany, or 2 more.");
});

test("a rule with accounts sends from the sender ID of the first", () => {
  const routes = [{ account: "uk", send_id: "ACMEUK" }, { account: "de" }];
  expect(meaning({ ...rule, routes }, t, "en")).toContain("send it by SMS from ACMEUK.");
  expect(summary({ ...rule, routes }, t, "en")).toBe("Unread, 1 h 30 min, ACME, uk (ACMEUK) → de");
});

test("a Chinese sentence has no gap", async () => {
  await setLanguage("zh-CN");
  const shape = { type: "undelivered" as const, wait_seconds: 5, send_id: "", countries: ["GB"] };
  expect(meaning(shape, i18next.getFixedT("zh-CN"), "zh-CN")).toBe(
    "如果消息失败，或在 5 秒内未送达，则从 SendID 发送短信。仅限英国的接收者。",
  );
});
