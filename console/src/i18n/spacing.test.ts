import { expect, test } from "vitest";
import { chinese } from "./chinese";

/** durations are the slots that take a duration. A Chinese duration begins with a digit and ends with a unit, as in "5 秒". */
const durations = /\{\{(wait|time|whatsapp|left)\}\}/g;

function textsOf(words: object, path = ""): [string, string][] {
  return Object.entries(words).flatMap(([key, value]): [string, string][] =>
    typeof value === "object" ? textsOf(value, `${path}${key}.`) : [[path + key, value]],
  );
}

test("a Chinese text has a space before a duration, and none after it", () => {
  const wrong = textsOf(chinese.words)
    .map(([key, text]) => [key, text.replace(durations, "5 秒")] as const)
    .filter(([, text]) => /\p{Script=Han}5 秒|5 秒 \p{Script=Han}/u.test(text));
  expect(wrong).toEqual([]);
});

test("no Chinese text begins or ends with a space", () => {
  expect(textsOf(chinese.words).filter(([, text]) => text !== text.trim())).toEqual([]);
});
