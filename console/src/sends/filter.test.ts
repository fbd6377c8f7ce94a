import { expect, test } from "vitest";
import { csvPath, type FilterValues, filterNames, filtersOf, queryOf, sendsPath } from "./filter";

const values = (some: Partial<FilterValues>) =>
  ({ ...Object.fromEntries(filterNames.map((name) => [name, ""])), ...some }) as FilterValues;

test("sendsPath has the values that are set", () => {
  expect(sendsPath({})).toBe("/sends");
  expect(sendsPath({ to: "+447400123456", policy: "" })).toBe("/sends?to=%2B447400123456");
});

test("queryOf has lists and booleans, and no preset", () => {
  expect(
    queryOf(
      values({
        range: "hour",
        policy: "1",
        outcome: "sms,failed",
        scheduled: "true",
        fell_back: "false",
        country: "GB",
      }),
    ),
  ).toEqual({
    policy_id: "1",
    outcome: ["sms", "failed"],
    scheduled: true,
    fell_back: false,
    country: "GB",
  });
});

test("csvPath repeats the values of a list", () => {
  expect(csvPath({ outcome: ["sms", "failed"], duplicate: true, to: "+44" })).toBe(
    "/v1/sends.csv?outcome=sms&outcome=failed&duplicate=true&to=%2B44",
  );
  expect(csvPath({})).toBe("/v1/sends.csv");
});

test("filtersOf finds the filters of a refused field", () => {
  expect(filtersOf("policy_id")).toEqual(["policy"]);
  expect(filtersOf("outcome[0]")).toEqual(["outcome"]);
  expect(filtersOf("from")).toEqual(["from", "range"]);
  expect(filtersOf("cursor")).toEqual([]);
});
