import type { Outcome, Schemas } from "../api/client";
import type { paths } from "../api/schema";

/** SendsQuery has the filters of GET /v1/sends. */
export type SendsQuery = NonNullable<paths["/v1/sends.csv"]["get"]["parameters"]["query"]>;

/**
 * The names of the filters in the address of the list of sends. They are those of the API, but `policy` is its `policy_id`. Several
 * outcomes or reasons are joined by commas.
 */
export const filterNames = [
  "outcome",
  "policy",
  "to",
  "to_ends",
  "from",
  "until",
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
] as const;

export type FilterValues = Record<(typeof filterNames)[number], string>;

/** sendsPath is the address of the list of the sends that pass a filter. */
export function sendsPath(values: Partial<FilterValues>): string {
  const params = new URLSearchParams(Object.entries(values).filter(([, value]) => value));
  return params.size > 0 ? `/sends?${params}` : "/sends";
}

/** queryOf translates the values in the address into a query of the API. */
export function queryOf(values: FilterValues): SendsQuery {
  const { outcome, reason, policy, fell_back, averted, duplicate, ...others } = values;
  const present = Object.fromEntries(Object.entries(others).filter(([, value]) => value));
  return {
    ...present,
    ...(policy && { policy_id: policy }),
    ...(outcome && { outcome: outcome.split(",") as Outcome[] }),
    ...(reason && { reason: reason.split(",") as Schemas["FallbackReason"][] }),
    ...(fell_back && { fell_back: fell_back === "true" }),
    ...(averted && { averted: averted === "true" }),
    ...(duplicate && { duplicate: duplicate === "true" }),
  };
}
