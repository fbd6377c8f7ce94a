import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { t } from "../i18n";
import { mayBeChance, sentenceOf } from "./whatChanged";

type Group = Schemas["ChangeGroup"];

const numbers = {
  rate: (value: number | undefined) => `${(100 * (value ?? 0)).toFixed(1)}%`,
  points: (value: number) => (100 * Math.abs(value)).toFixed(1),
};

const group = (contribution: number, more: Partial<Group> = {}): Group => ({
  policy_id: "1",
  policy_name: "Parcels",
  country: "GB",
  reason: "failed",
  provider: "meta",
  code: "131026",
  before: 1,
  after: 2,
  contribution,
  ...more,
});

const sentence = (before: [number, number], after: [number, number], ...groups: Group[]) => {
  const range = ([sends, fallbacks]: [number, number]) => ({ from: "", until: "", sends, fallbacks });
  return sentenceOf({ before: range(before), after: range(after), groups }, t, "en", numbers);
};

test("a rise names its largest cause", () => {
  expect(sentence([1000, 121], [1000, 203], group(0.069), group(0.013, { country: "" }))).toBe(
    "The fallback rate rose by 8.2 points, from 12.1% to 20.3%; 6.9 points of it: Parcels, United Kingdom, WhatsApp failed permanently with 131026.",
  );
});

test("a rise by one failure in several countries and policies names the failure", () => {
  const groups = [
    group(0.3),
    group(0.25, { country: "DE" }),
    group(0.15, { country: "FR", policy_id: "2", policy_name: "Codes" }),
    group(0.09, { country: "DE", policy_id: "2", policy_name: "Codes" }),
    group(0.025, { reason: "not_read", code: "" }),
  ];
  expect(sentence([22, 3], [41, 39], ...groups)).toBe(
    "The fallback rate rose by 81.5 points, from 13.6% to 95.1%; 79.0 points of it: WhatsApp failed permanently with 131026, in 3 countries and 2 policies.",
  );
});

test("a rise of one policy for many reasons names the policy and the country", () => {
  const groups = [
    group(0.04),
    group(0.03, { reason: "not_sent", code: "" }),
    group(0.03, { reason: "not_read", code: "" }),
  ];
  expect(sentence([100, 10], [100, 20], ...groups)).toContain("10.0 points of it: Parcels, United Kingdom.");
});

test("a rise without a main cause names the largest group", () => {
  const groups = [
    group(0.04),
    group(0.03, { policy_id: "2", country: "DE", reason: "not_sent", code: "" }),
    group(0.03, { policy_id: "3", country: "FR", reason: "not_read", code: "" }),
  ];
  expect(sentence([100, 10], [100, 20], ...groups)).toContain(
    "4.0 points of it: Parcels, United Kingdom, WhatsApp failed permanently with 131026.",
  );
});

test("few sends differ by chance only if their rates are near", () => {
  const range = ([sends, fallbacks]: [number, number]) => ({ from: "", until: "", sends, fallbacks });
  const check = (before: [number, number], after: [number, number]) =>
    mayBeChance({ before: range(before), after: range(after) });
  expect(check([22, 3], [41, 39])).toBe(false);
  expect(check([4, 1], [4, 3])).toBe(true);
  expect(check([22, 3], [41, 8])).toBe(true);
  expect(check([500, 50], [500, 60])).toBe(false); // not few
});

test("a fall names the group that fell, though another rose more", () => {
  expect(sentence([100, 20], [100, 10], group(0.11), group(-0.08, { reason: "not_read", code: "" }))).toBe(
    "The fallback rate fell by 10.0 points, from 20.0% to 10.0%; 8.0 points of it: Parcels, United Kingdom, Not read in time.",
  );
});

test("a part that is larger than the whole is not called a part", () => {
  expect(sentence([100, 10], [100, 12], group(0.07), group(-0.05, { country: "DE" }))).toContain(
    ". The largest cause, 7.0 points up or down: Parcels",
  );
});

test("without a change it is calm", () => {
  expect(sentence([100, 10], [200, 20])).toBe("No change: the fallback rate is 10.0%, as before.");
  expect(sentence([100, 10], [100, 10], group(0.05), group(-0.05))).toMatch(/^The fallback rate is 10.0%, as before/);
});

test("without sends there is nothing to compare", () => {
  expect(sentence([0, 0], [100, 10])).toMatch(/^There were no sends in the range before/);
  expect(sentence([100, 10], [0, 0])).toMatch(/^There are no sends in this range/);
});
