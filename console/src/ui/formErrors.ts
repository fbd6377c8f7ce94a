// What the API found wrong, at the fields where it is wrong.
import type { FormInstance } from "antd";
import { ProblemError } from "../api/client";

/**
 * showFieldErrors puts the errors of a problem at the fields of a form. nameOf says which field a path is about; it
 * returns undefined for one that the form does not have. What found no field is returned, to be shown beside the form.
 */
export function showFieldErrors<T>(
  form: FormInstance<T>,
  error: unknown,
  nameOf: (path: string) => string | string[] | undefined,
): unknown {
  if (!(error instanceof ProblemError) || !error.problem?.errors) {
    return error;
  }
  const found = new Map<string, { name: string | string[]; errors: string[] }>();
  let left = false;
  for (const { field, reason } of error.problem.errors) {
    const name = nameOf(field);
    if (name === undefined) {
      left = true;
      continue;
    }
    const key = String(name);
    const entry = found.get(key) ?? { name, errors: [] };
    entry.errors.push(reason);
    found.set(key, entry);
  }
  const fields = [...found.values()];
  form.setFields(fields as Parameters<typeof form.setFields>[0]);
  const [first] = fields;
  if (first) {
    form.scrollToField(first.name as Parameters<typeof form.scrollToField>[0], { focus: true, block: "center" });
  }
  return left ? error : undefined;
}
