import { expect, test } from "vitest";
import { t } from "../i18n";
import { bareNumber, checkName, checkRecipient, checkSendID, checkWait, fits } from "./checks";

test("fits holds a text against each limit", () => {
  expect(fits("ab", {})).toBe(true);
  expect(fits("", { minLength: 1 })).toBe(false);
  expect(fits("abc", { maxLength: 2 })).toBe(false);
  expect(fits("😀😀", { maxLength: 2 })).toBe(true); // four code units, two characters
  expect(fits("a1", { pattern: "^[a-z]+$" })).toBe(false);
  expect(fits("é", { pattern: "^\\p{L}$" })).toBe(true);
  const either = { anyOf: [{ pattern: "^[0-9]+$" }, { pattern: "^[a-z]+$", maxLength: 2 }] };
  expect(fits("123", either)).toBe(true);
  expect(fits("ab", either)).toBe(true);
  expect(fits("abc", either)).toBe(false);
});

test.each([
  ["Unread (GB)", undefined],
  ["简体 😀", undefined],
  ["a".repeat(64), undefined],
  ["", "checks.nameWanted"],
  ["  ", "checks.nameWanted"],
  [" A", "checks.nameForm"],
  ["A\u3000", "checks.nameForm"],
  ["A\tB", "checks.nameForm"],
  ["a".repeat(65), "checks.nameLong"],
] as const)("the name %j: %s", (name, reason) => {
  expect(checkName(name, t)).toBe(reason && t(reason, { most: 64 }));
});

test.each([
  ["ACME", undefined],
  ["My Shop 24", undefined],
  ["12345", undefined],
  ["+447400123456", undefined],
  ["", "checks.sendIDWanted"],
  ["12", "checks.sendID"],
  ["123 456", "checks.sendID"], // no letter, and no short code
  [" ACME", "checks.sendID"],
  ["ACME Parcels", "checks.sendID"], // 12 characters
  ["447400123456", "checks.sendID"],
] as const)("the SendID %j: %s", (id, reason) => {
  expect(checkSendID(id, t)).toBe(reason && t(reason));
});

test.each([
  [undefined, "undelivered", undefined],
  [0, "send_failed", undefined],
  [1, "unread", undefined],
  [2_592_000, "unread", undefined],
  [0, undefined, undefined], // an override without a type
  [undefined, "unread", "checks.waitWanted"],
  [0, "unread", "checks.waitWanted"],
  [2_592_001, "undelivered", "checks.wait"],
  [-1, "undelivered", "checks.wait"],
  [1.5, "undelivered", "checks.wait"],
] as const)("a wait of %s for the type %s: %s", (seconds, type, reason) => {
  expect(checkWait(seconds, type, t)).toBe(reason && t(reason));
});

test("the text about the wait has the contract's number", () => {
  expect(checkWait(-1, "undelivered", t)).toBe("From 1 second to 30 days");
});

test.each([
  ["+44 (7400) 123-456", undefined],
  ["", "checks.recipientWanted"],
  ["07400 123456", "checks.recipient"],
  ["+0447400123456", "checks.recipient"],
] as const)("the recipient %j: %s", (number, reason) => {
  expect(checkRecipient(bareNumber(number), t)).toBe(reason && t(reason));
});

test.each([
  "+447400123456",
  "+44 (7400) 123-456",
  "0044 7400.123456",
  "＋44 7400 １２３４５６", // as a Chinese keyboard writes it
  "\u202a+44 7400\u00a0123\u2011456\u202c", // as an address book copies it
])("the number %j", (text) => {
  expect(bareNumber(text)).toBe("+447400123456");
});
