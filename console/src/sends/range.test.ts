import { expect, test } from "vitest";
import { rangeBounds } from "./range";

const now = new Date(2026, 2, 29, 14, 30).getTime(); // in the zone of the machine

test("a preset ends now, or with a day of the reader", () => {
  const back = (ms: number) => ({ from: new Date(now - ms).toISOString() });
  expect(rangeBounds("15min", now)).toEqual(back(900_000));
  expect(rangeBounds("hour", now)).toEqual(back(3_600_000));
  expect(rangeBounds("day", now)).toEqual(back(86_400_000));
  expect(rangeBounds("week", now)).toEqual(back(7 * 86_400_000));
  expect(rangeBounds("today", now)).toEqual({ from: new Date(2026, 2, 29).toISOString() });
  expect(rangeBounds("yesterday", now)).toEqual({
    from: new Date(2026, 2, 28).toISOString(),
    until: new Date(2026, 2, 29).toISOString(),
  });
});

test("no preset is no bound, and the API refuses an unknown one", () => {
  expect(rangeBounds("", now)).toEqual({});
  expect(rangeBounds("fortnight", now)).toEqual({ from: "fortnight" });
});
