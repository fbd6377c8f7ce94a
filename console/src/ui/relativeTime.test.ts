import i18next from "i18next";
import { beforeAll, expect, test } from "vitest";
import { setLanguage, t } from "../i18n";
import { relative } from "./relativeTime";

beforeAll(async () => {
  await setLanguage("zh-CN"); // loads it
  await setLanguage("en");
});

const now = Date.parse("2031-05-04T12:00:00Z");

test.each([
  [0, "now"],
  [999, "now"],
  [12_000, "12 s ago"],
  [59_999, "59 s ago"],
  [60_000, "1 min ago"],
  [3 * 3_600_000 + 59 * 60_000, "3 h ago"],
  [6 * 86_400_000, "6 d ago"],
  [-20_000, "in 20 s"],
  [-90_000, "in 1 min"],
])("relative of %d ms before now", (age, text) => {
  expect(relative(now - age, now, t)).toBe(text);
});

test("relative in Chinese", () => {
  const chinese = i18next.getFixedT("zh-CN");
  expect(relative(now - 180_000, now, chinese)).toBe("3 分钟前");
  expect(relative(now + 20_000, now, chinese)).toBe("20 秒后");
});
