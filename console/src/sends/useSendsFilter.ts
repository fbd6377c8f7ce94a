import { useState } from "react";
import { useFilters } from "../ui/useFilters";
import { type FilterName, filterNames, filtersOf, queryOf } from "./filter";

/** A filter that is not always in view. */
export const moreFilters = [
  "scheduled",
  "reason",
  "code",
  "country",
  "sender",
  "route",
  "sms_result",
  "rule",
  "rule_type",
  "correlation_id",
  "own_rules",
  "duplicate",
  "averted",
] as const satisfies FilterName[];

/** The filters with yes and no. */
export const yesNoFilters = ["scheduled", "own_rules", "duplicate", "averted"] as const satisfies MoreFilter[];

export type YesNoFilter = (typeof yesNoFilters)[number];

/** isYesNo reports whether a filter has only yes and no. */
export function isYesNo(name: FilterName): name is YesNoFilter {
  return (yesNoFilters as readonly string[]).includes(name);
}

export type MoreFilter = (typeof moreFilters)[number];

/** useSendsFilter keeps the filters of the list in the address, and which fields were added to the bar. */
export function useSendsFilter() {
  const { values, set } = useFilters(...filterNames, "order");
  const [added, setAdded] = useState<MoreFilter[]>([]);
  const remove = (...names: FilterName[]) => {
    setAdded(added.filter((name) => !names.includes(name)));
    set(Object.fromEntries(names.map((name) => [name, ""])));
  };
  const { order, ...filters } = values;
  return {
    values: filters,
    set,
    added,
    add: (name: MoreFilter) => setAdded([...added, name]),
    remove,
    clear: () => remove(...filterNames),
    isSet: filterNames.some((name) => values[name] !== ""),
    isOldestFirst: order === "oldest",
    sort: (isOldestFirst: boolean) => set({ order: isOldestFirst ? "oldest" : "" }),
    query: { ...queryOf(filters), ...(order === "oldest" && ({ order } as const)) },
    /** refused returns the filters that a refusal of the API is about. */
    refused: (fields: { field: string }[] = []) =>
      [...new Set(fields.flatMap(({ field }) => filtersOf(field)))].filter((name) => values[name] !== ""),
  };
}

export type SendsFilter = ReturnType<typeof useSendsFilter>;
