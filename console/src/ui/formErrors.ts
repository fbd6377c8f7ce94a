// The errors of the API, at the fields of a form.
import type { FormInstance } from "antd";
import { ProblemError, type Schemas } from "../api/client";
import { t } from "../i18n";
import { fieldText } from "./problemTexts";

/** A FieldName is the name of a field, or the path to a field in a list. */
export type FieldName = string | (string | number)[];

/**
 * showFieldErrors shows the errors of a problem at the fields of a form. nameOf returns the field for an error, or undefined if
 * the form has none. If some errors have no field, showFieldErrors returns the problem, to be shown beside the form.
 */
export function showFieldErrors<T>(
  form: FormInstance<T>,
  error: unknown,
  nameOf: (path: string, wrong: Schemas["FieldError"]) => FieldName | undefined,
): unknown {
  if (!(error instanceof ProblemError) || !error.problem?.errors) {
    return error;
  }
  const found = new Map<string, { name: FieldName; errors: string[] }>();
  let hasOthers = false;
  for (const wrong of error.problem.errors) {
    const name = nameOf(wrong.field, wrong);
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
