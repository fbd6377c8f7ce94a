// A rule of a form as the API wants it, and the fields of its errors.
import type { RuleInput } from "../api/client";
import type { FieldName } from "../ui/formErrors";

/** fieldOfRule returns the field of the form for a path of the API, such as routes.0.send_id. */
export function fieldOfRule(path: string): FieldName {
  const [field = path, index, part] = path.split(".");
  return field === "routes" && index && part ? [field, Number(index), part] : field;
}

/** withoutEmpty returns the values without empty fields, because the API refuses some of them. */
export function withoutEmpty(values: RuleInput): RuleInput {
  return {
    name: values.name,
    type: values.type,
    send_id: values.send_id,
    ...(values.wait_seconds ? { wait_seconds: values.wait_seconds } : {}),
    ...(values.routes?.length
      ? { routes: values.routes.map(({ account, send_id }) => ({ account, ...(send_id ? { send_id } : {}) })) }
      : {}),
    ...(values.countries?.length ? { countries: values.countries } : {}),
  };
}
