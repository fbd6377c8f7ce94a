import { expect, test } from "vitest";
import { type PictureRule, pictureOf } from "./picture";

function rule(name: string, wait_seconds: number, change: Partial<PictureRule> = {}): PictureRule {
  return { id: name, name, type: "undelivered", wait_seconds: wait_seconds || undefined, send_id: name, ...change };
}

const names = (rules: PictureRule[]) => rules.map(({ name }) => name).join(" ");
const spares = (rules: PictureRule[], country?: string) =>
  pictureOf(rules, country).timed.map((stop) => [stop.rule.name, stop.spareOf?.name].filter(Boolean).join(" after "));
const warnings = (rules: PictureRule[], country?: string) =>
  pictureOf(rules, country).warnings.map((warning) =>
    warning.kind === "sameSender" ? `${warning.rule.name} repeats ${warning.other.name}` : warning.kind,
  );

const [GB, GBIE, FR] = [{ countries: ["GB"] }, { countries: ["GB", "IE"] }, { countries: ["FR"] }];
const [unread, unsent] = [{ type: "unread" }, { type: "send_failed" }] as const;
const ACME = { send_id: "ACME" };
const [second, own] = [[{ account: "second" }], [{ account: "second", send_id: "OWN" }]];

test("only rules with a wait are steps in time, by their wait, then by the order of the policy", () => {
  const rules = [rule("late", 60, unread), rule("never", 0), rule("soon", 5, unsent), rule("tie", 5)];
  expect(names(pictureOf(rules).timed.map((stop) => stop.rule))).toBe("soon tie late");
  expect(names(pictureOf(rules).chain)).toBe("late never soon tie"); // the order of the policy
});

test("for a country the rules that do not apply are dropped", () => {
  const rules = [rule("a", 5, GB), rule("b", 0, FR), rule("c", 9)];
  expect(names(pictureOf(rules, "GB").chain)).toBe("a c");
  expect(names(pictureOf(rules, "US").chain)).toBe("c");
  expect(pictureOf(rules, "GB").chain.every(({ countries }) => countries?.length === 0)).toBe(true);
});

test.each([
  ["the same type and wait", [rule("a", 5), rule("b", 5)], ["a", "b after a"]],
  ["a longer wait for the same", [rule("b", 9), rule("a", 5)], ["a", "b after a"]],
  ["a longer wait for less", [rule("b", 9), rule("a", 5, unread)], ["a", "b after a"]],
  ["a longer wait for more", [rule("a", 5), rule("b", 9, unread)], ["a", "b"]],
  ["the same wait for less, before", [rule("a", 5), rule("b", 5, unread)], ["a", "b"]],
  ["other recipients", [rule("a", 5, GB), rule("b", 5, FR)], ["a", "b"]],
  ["some of the recipients", [rule("a", 5, GBIE), rule("b", 5, GB)], ["a", "b after a"]],
  ["more recipients", [rule("a", 5, GB), rule("b", 5)], ["a", "b"]],
])("a spare fires only after a failed SMS: %s", (_, rules, stops) => {
  expect(spares(rules)).toEqual(stops);
});

test.each([
  ["a spare with another sender", [rule("a", 5), rule("b", 5)], []],
  ["a spare by another account", [rule("a", 5, ACME), rule("b", 5, { ...ACME, routes: [{ account: "second" }] })], []],
  [
    "the same accounts",
    [rule("a", 5, { ...ACME, routes: second }), rule("b", 5, { ...ACME, routes: second })],
    ["b repeats a"],
  ],
  [
    "another sender at the same account",
    [rule("a", 5, { ...ACME, routes: second }), rule("b", 5, { ...ACME, routes: own })],
    [],
  ],
  ["the same sender for the same", [rule("a", 5, ACME), rule("b", 5, ACME)], ["b repeats a"]],
  ["the same sender for a failure alone", [rule("a", 5, ACME), rule("b", 0, ACME)], ["b repeats a"]],
  ["that, first in the order", [rule("a", 0, ACME), rule("b", 5, ACME)], ["a repeats b"]],
  ["first in the order, before another sender", [rule("a", 0, ACME), rule("z", 60, unread), rule("b", 5, ACME)], []],
  ["twice for a failure alone", [rule("t", 5), rule("a", 0, ACME), rule("b", 0, ACME)], ["b repeats a"]],
  ["for another condition", [rule("a", 5, { ...ACME, ...unsent }), rule("b", 60, { ...ACME, ...unread })], []],
  ["in other countries", [rule("a", 5, { ...ACME, ...GB }), rule("b", 5, { ...ACME, ...FR })], ["refused"]],
  ["in more countries", [rule("a", 5, { ...ACME, ...GB }), rule("b", 5, ACME)], ["a repeats b"]],
  ["three times", [rule("a", 5, ACME), rule("b", 5, ACME), rule("c", 9, ACME)], ["b repeats a", "c repeats a"]],
])("a rule that only repeats a sender has a warning: %s", (_, rules, found) => {
  expect(warnings(rules)).toEqual(found);
});

test("recipients without a rule have a warning", () => {
  expect(warnings([rule("a", 5, GB), rule("b", 5, FR)])).toEqual(["refused"]);
  expect(warnings([rule("a", 5, GB), rule("b", 5, FR)], "GB")).toEqual([]);
  expect(warnings([rule("a", 5, GB), rule("b", 5, FR)], "US")).toEqual(["refused"]);
  expect(warnings([])).toEqual([]); // nothing is chosen yet
});

test("rules without a wait have a warning, in the countries where there is no other", () => {
  expect(warnings([rule("a", 0), rule("b", 0)])).toEqual(["noWait"]);
  expect(warnings([rule("a", 0), rule("b", 5, GB)])).toEqual([]);
  expect(warnings([rule("a", 0), rule("b", 5, GB)], "FR")).toEqual(["noWait"]);
});
