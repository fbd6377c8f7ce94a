import { expect, test } from "vitest";
import { differences } from "./diff";

test("only what differs is shown, with the path of its field", () => {
  const before = { name: "a", wait: 0, settings: { url: "x", from: "y" }, rules: [{ id: "1", name: "r" }] };
  const rules = [{ id: "2", name: "s" }, ...before.rules];
  expect(differences(before, { name: "a", wait: 60, settings: { url: "z" }, rules })).toEqual([
    { field: "wait", before: "0", after: "60" },
    { field: "settings.url", before: "x", after: "z" },
    { field: "settings.from", before: "y", after: undefined },
    { field: "rules", before: "r", after: "s, r" },
  ]);
});

test("a state that is absent has no fields", () => {
  expect(differences(undefined, { disabled: false, countries: ["GB", "IE"] })).toEqual([
    { field: "disabled", before: undefined, after: "false" },
    { field: "countries", before: undefined, after: "GB, IE" },
  ]);
  expect(differences(undefined, undefined)).toEqual([]);
});
