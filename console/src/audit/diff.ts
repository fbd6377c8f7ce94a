// The difference between the states before and after a change.

export interface Difference {
  field: string; // its path: "settings.base_url"
  before: string | undefined;
  after: string | undefined;
}

type State = Record<string, unknown> | undefined;

/** differences returns the fields that differ, in the order in which the states have them. */
export function differences(before: State, after: State): Difference[] {
  const [was, is] = [flatten(before ?? {}), flatten(after ?? {})];
  return [...new Set([...was.keys(), ...is.keys()])]
    .map((field) => ({ field, before: was.get(field), after: is.get(field) }))
    .filter((one) => one.before !== one.after);
}

function flatten(value: Record<string, unknown>, path = "", into = new Map<string, string>()): Map<string, string> {
  for (const [name, part] of Object.entries(value)) {
    const field = path ? `${path}.${name}` : name;
    if (isObject(part)) {
      flatten(part, field, into);
    } else {
      into.set(field, textOf(part));
    }
  }
  return into;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** textOf returns a value as people read it. Of things with a name it shows the names. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map((one) => (isObject(one) && typeof one.name === "string" ? one.name : textOf(one))).join(", ");
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
