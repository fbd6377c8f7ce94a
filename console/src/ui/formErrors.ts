// The errors of the API, at the fields of a form.
import type { FormInstance } from "antd";
import { ProblemError } from "../api/client";
import { t } from "../i18n";
import { fieldText } from "./problemTexts";

/**
 * showFieldErrors shows the errors of a problem at the fields of a form. nameOf returns the field for a path, or undefined if the
 * form has none. If some errors have no field, showFieldErrors returns the problem, to be shown beside the form.
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
  let hasOthers = false;
  for (const wrong of error.problem.errors) {
    const name = nameOf(wrong.field);
    if (name === undefined) {
      hasOthers = true;
      continue;
    }
    const key = String(name);
    const entry = found.get(key) ?? { name, errors: [] };
    entry.errors.push(fieldText(wrong, t));
    found.set(key, entry);
  }
  const fields = [...found.values()];
  form.setFields(fields as Parameters<typeof form.setFields>[0]);
  const [first] = fields;
  if (first) {
    form.scrollToField(first.name as Parameters<typeof form.scrollToField>[0], { focus: true, block: "center" });
  }
  return hasOthers ? error : undefined;
}
