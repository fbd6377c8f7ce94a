import { createContext, useContext } from "react";
import { type FilterValues, sendsPath } from "../sends/filter";
import type { Bounds } from "./range";

/** Scope is the filter of the shown statistics. */
export interface Scope extends Bounds {
  policy: string; // empty: of all policies
  scheduled?: "false"; // if there are scheduled sends, which are not counted
}

const ScopeContext = createContext<Scope>({ from: "", until: "", policy: "" });

export const ScopeProvider = ScopeContext.Provider;

export type SendsLink = (filter?: Partial<FilterValues>) => string;

/** useSendsLink returns the address of the list of the counted sends that pass a filter. A filter may have a range of its own. */
export function useSendsLink(): SendsLink {
  const scope = useContext(ScopeContext);
  return (filter = {}) => sendsPath({ ...scope, ...filter });
}

/** policyFilter returns the filter by a policy, or by rules of their own. */
export function policyFilter(id: string | undefined): Partial<FilterValues> {
  return id ? { policy: id } : { own_rules: "true" };
}

/** countryFilter is the value of the filter by country. Numbers without a country have ZZ. */
export function countryFilter(country: string): string {
  return country || "ZZ";
}
