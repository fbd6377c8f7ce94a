import { expect, test } from "vitest";
import { isRange, rangeQuery } from "./range";

test("isRange takes the ranges and nothing else", () => {
  expect(["hour", "quarter", "", "year", "toString"].map(isRange)).toEqual([true, true, false, false, false]);
});

test("a range ends at the next whole step, so its query stays the same during the step", () => {
  const now = Date.parse("2031-05-04T12:00:01Z");
  expect(rangeQuery("hour", now)).toEqual({ from: "2031-05-04T11:00:10.000Z", until: "2031-05-04T12:00:10.000Z" });
  expect(rangeQuery("hour", now + 9_000)).toEqual(rangeQuery("hour", now));
  expect(rangeQuery("week", now)).toEqual({ from: "2031-04-27T12:01:00.000Z", until: "2031-05-04T12:01:00.000Z" });
});
