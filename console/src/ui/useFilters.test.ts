import { expect, test } from "vitest";
import { withChanges } from "./useFilters";

test("withChanges sets and removes what changed, and keeps the rest", () => {
  const before = new URLSearchParams("policy=1&from=a&to=%2B44");
  const after = withChanges(before, { from: "b", until: "c", to: "" });
  expect(after.toString()).toBe("policy=1&from=b&until=c");
  expect(before.get("from")).toBe("a");
});
