// The parts of Backstop, by the names of the checks of GET /readyz.
export const parts = ["postgres", "schema", "temporal", "providers"] as const;
export type Part = (typeof parts)[number];

export type Checks = Record<string, string>;

/** partsAway returns the parts that do not work. Without the database nothing else is known. */
export function partsAway(checks: Checks | undefined): Part[] {
  const away = parts.filter((part) => checks?.[part] !== undefined && checks[part] !== "ok");
  return away.includes("postgres") ? ["postgres"] : away;
}
