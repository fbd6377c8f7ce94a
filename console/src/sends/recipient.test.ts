import { expect, test } from "vitest";
import { recipientFilter } from "./recipient";

test.each([
  "+447400123456",
  "+44 7400 123456",
  "+44 (7400) 123-456",
  "+44 (0)7400 123456",
  "0044 7400 123456",
  "0044 (0) 7400 123456",
  "＋44.7400.123456",
])("%s is a whole number", (text) => {
  expect(recipientFilter(text)).toEqual({ to: "+447400123456", to_ends: "" });
});

test.each([
  ["07400 123456", "7400123456"],
  ["7400-123456", "7400123456"],
  ["447400123456", "447400123456"],
  ["(202) 555-0143", "2025550143"],
  ["3456", "3456"],
  ["0123", "0123"], // the last digits may begin with a zero
  ["012 345", "012345"],
  ["0012", "0012"],
])("%s is the end of a number", (text, to_ends) => {
  expect(recipientFilter(text)).toEqual({ to: "", to_ends });
});

test.each([
  ["345", "short"],
  ["00000000", "short"],
  ["+44740", "partial"],
  ["+", "letters"],
  ["abc", "letters"],
  ["01970e2a-5b7c", "letters"],
])("%s is refused", (text, refusal) => {
  expect(recipientFilter(text)).toEqual({ refusal });
});

test("an empty text is no filter", () => {
  expect(recipientFilter("  ")).toEqual({ to: "", to_ends: "" });
});
