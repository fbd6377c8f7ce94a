import { expect, test } from "vitest";
import {
  boundsOf,
  bucketBounds,
  comparisonStepOf,
  isMoving,
  isRange,
  lastTimeOfDay,
  parseTimeOfDay,
  previousOf,
} from "./range";

const now = Date.parse("2031-05-04T12:00:01Z");

test("isRange takes the ranges and nothing else", () => {
  expect(["hour", "quarter", "", "year", "toString"].map(isRange)).toEqual([true, true, false, false, false]);
});

test("a range ends at the next whole step, so its query stays the same during the step", () => {
  expect(boundsOf("hour", now)).toEqual({ from: "2031-05-04T11:00:10.000Z", until: "2031-05-04T12:00:10.000Z" });
  expect(boundsOf("hour", now + 9_000)).toEqual(boundsOf("hour", now));
  expect(boundsOf("week", now)).toEqual({ from: "2031-04-27T12:01:00.000Z", until: "2031-05-04T12:01:00.000Z" });
});

test("a range without an end reaches until now", () => {
  const since = { from: "2031-05-04T10:00:00.000Z" };
  expect(boundsOf(since, now)).toEqual({ ...since, until: "2031-05-04T12:00:10.000Z" });
  expect(isMoving(since)).toBe(true);
  const closed = { ...since, until: "2031-05-04T11:00:00.000Z" };
  expect(boundsOf(closed, now)).toEqual(closed);
  expect(isMoving(closed)).toBe(false);
});

test("a range that cannot be read is left to the API", () => {
  expect(boundsOf({ from: "today" }, now)).toEqual({ from: "today", until: "2031-05-04T12:00:10.000Z" });
});

test("a range from half an hour on is compared once a minute", () => {
  const minutes = (count: number) => ({ from: new Date(now - count * 60_000).toISOString() });
  expect([minutes(1), minutes(31), "hour" as const].map((range) => comparisonStepOf(range, now))).toEqual([
    10_000, 60_000, 60_000,
  ]);
});

test("previousOf returns the equal range before", () => {
  expect(previousOf({ from: "2031-05-04T10:00:00Z", until: "2031-05-04T12:30:00Z" })).toEqual({
    from: "2031-05-04T07:30:00.000Z",
    until: "2031-05-04T10:00:00Z",
  });
});

test("parseTimeOfDay takes the usual ways to write a time of day", () => {
  const written = ["9", "09", "905", "0905", "9:05", "9.05", " 12.55 ", "1255", "12：55", "0", "23:59"];
  expect(written.map(parseTimeOfDay).map((time) => time && `${time.hour}:${time.minute}`)).toEqual([
    "9:0",
    "9:0",
    "9:5",
    "9:5",
    "9:5",
    "9:5",
    "12:55",
    "12:55",
    "12:55",
    "0:0",
    "23:59",
  ]);
});

test("parseTimeOfDay takes nothing else", () => {
  for (const text of ["", "24", "2400", "9:5", "12:60", "960", "12550", "-9", "9 05", "9am", "noon"]) {
    expect(parseTimeOfDay(text), text).toBeUndefined();
  }
});

test("lastTimeOfDay is today, or yesterday if today's is to come", () => {
  const noon = new Date(2031, 4, 4, 12, 0, 1).getTime();
  expect(lastTimeOfDay(10, 0, noon)).toEqual(new Date(2031, 4, 4, 10, 0));
  expect(lastTimeOfDay(12, 0, noon)).toEqual(new Date(2031, 4, 4, 12, 0));
  expect(lastTimeOfDay(22, 30, noon)).toEqual(new Date(2031, 4, 3, 22, 30));
});

test("bucketBounds stays within the range", () => {
  const range = { from: "2031-05-04T10:20:00.000Z", until: "2031-05-04T12:30:00.000Z" };
  expect(bucketBounds("2031-05-04T10:00:00Z", 3600, range)).toEqual({
    from: range.from,
    until: "2031-05-04T11:00:00.000Z",
  });
  expect(bucketBounds("2031-05-04T12:00:00Z", 3600, range)).toEqual({
    from: "2031-05-04T12:00:00.000Z",
    until: range.until,
  });
});
