import { expect, test } from "vitest";
import { t } from "../i18n";
import { duration, exact, unitOf } from "./time";

test.each([
  [0, "0 s"],
  [59, "59 s"],
  [60, "1 min"],
  [3661, "1 h 1 min"], // the two largest units
  [90_000, "1 d 1 h"],
  [86_401, "1 d 1 s"],
])("duration of %d s", (seconds, text) => {
  expect(duration(seconds, t)).toBe(text);
});

test.each([
  [0.344, "0.34 s"],
  [12.345, "12.3 s"],
  [119.9, "119.9 s"],
  [120.4, "2 min"],
])("exact of %d s", (seconds, text) => {
  expect(exact(seconds, t, "en")).toBe(text);
});

test.each([
  [0, "second"],
  [90, "second"],
  [120, "minute"],
  [7200, "hour"],
  [86_400, "day"],
  [90_000, "hour"],
])("unitOf %d s", (seconds, unit) => {
  expect(unitOf(seconds)).toBe(unit);
});
