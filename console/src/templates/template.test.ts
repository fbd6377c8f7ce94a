import { expect, test } from "vitest";
import { t } from "../i18n";
import { hasNewCategory, languageText, qualityText, statusText, statusTone, whyNot } from "./template";

test("a word that the console does not know is the provider's", () => {
  expect([statusText("paused", t), statusText("some_new_state", t)]).toEqual(["Paused", "some new state"]);
  expect([statusText("toString", t), qualityText("red", t)]).toEqual(["toString", "Low"]);
});

test("only an approved template can be sent; the others have their reason", () => {
  expect(whyNot({ status: "approved" }, t)).toBeUndefined();
  expect(whyNot({ status: "paused" }, t)).toBe("Paused");
  expect(whyNot({ status: "rejected", reason: "tag_content_mismatch" }, t)).toBe("Rejected: tag content mismatch");
  expect(["approved", "pending", "paused", "rejected"].map(statusTone)).toEqual(["good", "wait", "warn", "bad"]);
});

test("a language has its name, if it has one", () => {
  expect([languageText("de", "en"), languageText("en_US", "en"), languageText("no language", "en")]).toEqual([
    "German (de)",
    "American English (en_US)",
    "no language",
  ]);
});

test("a changed category is one that differs", () => {
  const changed = (category: string, previous?: string) =>
    hasNewCategory({ category, ...(previous && { previous_category: previous }) } as never);
  expect([changed("marketing", "utility"), changed("utility", "utility"), changed("utility")]).toEqual([
    true,
    false,
    false,
  ]);
});
