import type { FormInstance } from "antd";
import { expect, test, vi } from "vitest";
import { type Problem, ProblemError } from "../api/client";
import { showFieldErrors } from "./formErrors";

const form = () => ({ setFields: vi.fn(), scrollToField: vi.fn() }) as unknown as FormInstance<object>;
const problem = (...errors: { field: string; reason: string }[]) =>
  new ProblemError({ code: "invalid", detail: "the rule is not valid", errors } as Problem);
const nameOf = (path: string) => (path.startsWith("rule_ids") ? "rules" : path === "name" ? "name" : undefined);

test("each error appears at its field, and the first of these fields comes into view", () => {
  const shown = form();
  const error = problem(
    { field: "rule_ids.0", reason: "names no rule" },
    { field: "rule_ids.2", reason: "is given twice" },
    { field: "name", reason: "is required" },
  );
  expect(showFieldErrors(shown, error, nameOf)).toBeUndefined();
  expect(shown.setFields).toHaveBeenCalledWith([
    { name: "rules", errors: ["names no rule", "is given twice"] },
    { name: "name", errors: ["is required"] },
  ]);
  expect(shown.scrollToField).toHaveBeenCalledWith("rules", expect.anything());
});

test("an error without a field in the form is returned", () => {
  const shown = form();
  const error = problem({ field: "name", reason: "is required" }, { field: "If-Match", reason: "is required" });
  expect(showFieldErrors(shown, error, nameOf)).toBe(error);
  expect(shown.setFields).toHaveBeenCalledWith([{ name: "name", errors: ["is required"] }]);
});

test("an error that names no fields is returned", () => {
  const shown = form();
  for (const error of [new ProblemError(undefined), new Error("no network")]) {
    expect(showFieldErrors(shown, error, nameOf)).toBe(error);
  }
  expect(shown.setFields).not.toHaveBeenCalled();
});

test("the path of an error in a list leads to its field", () => {
  const shown = form();
  const error = problem({ field: "routes.1.send_id", reason: "is no SendID" });
  expect(showFieldErrors(shown, error, () => ["routes", 1, "send_id"])).toBeUndefined();
  expect(shown.setFields).toHaveBeenCalledWith([{ name: ["routes", 1, "send_id"], errors: ["is no SendID"] }]);
  expect(shown.scrollToField).toHaveBeenCalledWith(["routes", 1, "send_id"], expect.anything());
});
