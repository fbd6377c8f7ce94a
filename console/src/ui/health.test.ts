import { expect, test } from "vitest";
import { partsAway } from "./health";

test("partsAway names what does not work", () => {
  expect(partsAway(undefined)).toEqual([]);
  expect(partsAway({ postgres: "ok", schema: "ok", temporal: "ok" })).toEqual([]);
  expect(partsAway({ postgres: "ok", temporal: "unreachable: sends wait" })).toEqual(["temporal"]);
  expect(partsAway({ postgres: "ok", providers: "1 of 3 accounts are unhealthy" })).toEqual(["providers"]);
  expect(partsAway({ postgres: "unreachable", schema: "unknown" })).toEqual(["postgres"]);
});
