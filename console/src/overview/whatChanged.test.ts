import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import { t } from "../i18n";
import { sentenceOf } from "./whatChanged";

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
    "The fallback rate rose by 8.2 points, from 12.1% to 20.3%; 6.9 points of it: Parcels, United Kingdom, WhatsApp failed permanently, 131026.",
  );
});

test("a fall names the group that fell, though another rose more", () => {
  expect(sentence([100, 20], [100, 10], group(0.11), group(-0.08, { reason: "not_read", code: "" }))).toBe(
    "The fallback rate fell by 10.0 points, from 20.0% to 10.0%; 8.0 points of it: Parcels, United Kingdom, Not read in time.",
  );
});

test("a part that is larger than the whole is not called a part", () => {
  expect(sentence([100, 10], [100, 12], group(0.07), group(-0.05))).toContain(
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
