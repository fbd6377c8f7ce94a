import { expect, test } from "vitest";
import type { Policy, Rule, SendSummary } from "../api/client";
import { type Found, groupsOf, isShortNumber, onlyRow } from "./results";

const nothing: Found = { sends: [], sends_found_by: "nothing", more_sends: false, rules: [], policies: [] };
const send = { id: "1" } as SendSummary;

test("groups without rows are left out, and sends come first", () => {
  expect(groupsOf(nothing)).toEqual([]);
  const found = { ...nothing, sends: [send], rules: [{ id: "2" } as Rule], policies: [{ id: "3" } as Policy] };
  expect(groupsOf(found).map(({ of, rows }) => [of, rows.map(({ to }) => to)])).toEqual([
    ["sends", ["/sends/1"]],
    ["rules", ["/rules/2"]],
    ["policies", ["/policies/3"]],
  ]);
});

test("the last row of the sends of a number or a correlation id leads to all of them", () => {
  const rows = (found: Partial<Found>) =>
    groupsOf({ ...nothing, sends: [send], ...found })[0]?.rows.map(({ to }) => to);
  expect(rows({ to: "+447400123456" })).toEqual(["/sends/1", "/sends?to=%2B447400123456"]);
  expect(rows({ to_ends: "3456" })).toEqual(["/sends/1", "/sends?to_ends=3456"]);
  expect(rows({ correlation_id: "order 7" })).toEqual(["/sends/1", "/sends?correlation_id=order+7"]);
});

test("onlyRow is the one thing that was found", () => {
  expect(onlyRow(nothing)).toBeUndefined();
  expect(onlyRow({ ...nothing, sends: [send], to_ends: "3456" })?.to).toBe("/sends/1");
  expect(onlyRow({ ...nothing, sends: [send], more_sends: true })).toBeUndefined();
  expect(onlyRow({ ...nothing, sends: [send], rules: [{ id: "2" } as Rule] })).toBeUndefined();
});

test.each([
  ["345", true],
  ["+44", true],
  ["3456", false],
  ["ab", false],
])("isShortNumber(%s) is %s", (text, short) => expect(isShortNumber(text)).toBe(short));
