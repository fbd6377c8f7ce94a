import type { Outcome, Schemas } from "../api/client";
import type { paths } from "../api/schema";

/** SendsQuery has the filters of GET /v1/sends. */
export type SendsQuery = NonNullable<paths["/v1/sends.csv"]["get"]["parameters"]["query"]>;

/**
 * The names of the filters in the address of the list of sends. They are those of the API, but `policy` is its `policy_id`, and
 * `range` is a preset of time (range.ts) in the place of `from` and `until`. Several outcomes or reasons are joined by commas.
 */
export const filterNames = [
  "range",
  "from",
  "until",
  "outcome",
  "policy",
  "to",
  "to_ends",
  "scheduled",
  "fell_back",
  "averted",
  "duplicate",
  "reason",
  "rule",
  "rule_type",
  "country",
  "sender",
  "route",
  "sms_result",
  "provider",
  "code",
  "correlation_id",
  "own_rules",
] as const;

export type FilterName = (typeof filterNames)[number];
export type FilterValues = Record<FilterName, string>;

/** sendsPath is the address of the list of the sends that pass a filter. */
export function sendsPath(values: Partial<FilterValues>): string {
  const params = new URLSearchParams(Object.entries(values).filter(([, value]) => value));
  return params.size > 0 ? `/sends?${params}` : "/sends";
}

/** queryOf translates the values in the address into a query of the API. The bounds of a preset are not in it. */
export function queryOf(values: FilterValues): SendsQuery {
  const { range: _, outcome, reason, policy, scheduled, fell_back, averted, duplicate, own_rules, ...others } = values;
  const present = Object.fromEntries(Object.entries(others).filter(([, value]) => value));
  return {
    ...present,
    ...(policy && { policy_id: policy }),
    ...(outcome && { outcome: outcome.split(",") as Outcome[] }),
    ...(reason && { reason: reason.split(",") as Schemas["FallbackReason"][] }),
    ...(scheduled && { scheduled: readBoolean(scheduled) }),
    ...(fell_back && { fell_back: readBoolean(fell_back) }),
    ...(averted && { averted: readBoolean(averted) }),
    ...(duplicate && { duplicate: readBoolean(duplicate) }),
    ...(own_rules && { own_rules: readBoolean(own_rules) }),
  };
}

/** readBoolean returns another text as it is, so that the API refuses it. */
function readBoolean(text: string): boolean {
  return text === "true" || (text === "false" ? false : (text as unknown as boolean));
}

/** csvPath is the address of the CSV file with all items of a query: by default, sends. */
export function csvPath(query: SendsQuery | Record<string, string>, file = "/v1/sends.csv"): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) {
      params.append(name, String(one));
    }
  }
  return params.size > 0 ? `${file}?${params}` : file;
}

/**
 * filtersOf returns the filters that a field of the API's refusal is about: `outcome`, `outcome[0]` or `policy_id`. A refused begin
 * may come from a preset.
 */
export function filtersOf(field: string): FilterName[] {
  const [name = ""] = field.split(/[.[]/);
  const filter = name === "policy_id" ? "policy" : filterNames.find((known) => known === name);
  return filter === "from" ? ["from", "range"] : filter === "code" ? ["code", "provider"] : filter ? [filter] : [];
}
