// The filters and the order of the lists of rules and policies, in the address of the page.
import { useTranslation } from "react-i18next";
import type { Rule, RuleType } from "../api/client";
import type { operations } from "../api/schema";
import type { FilterChip } from "../ui/FilterChips";
import type { Order } from "../ui/listColumns";
import { useFilters } from "../ui/useFilters";
import { countryName } from "./countries";
import { ruleTypes } from "./meaning";

type RulesQuery = NonNullable<operations["ListRules"]["parameters"]["query"]>;
type Sort = NonNullable<RulesQuery["sort"]>;
type Name = "search" | "type" | "sender" | "country" | "unused";

export type ListFilter = ReturnType<typeof useListFilter>;

/** useListFilter keeps the filters in the address. The list of policies has no filter "unused". */
export function useListFilter(...names: Name[]) {
  const { t, i18n } = useTranslation();
  const { values, set } = useFilters(...names, "sort");
  const of = (name: Name) => (names.includes(name) ? values[name] : "");
  const words: Record<Name, () => string> = {
    search: () => t("rules.filter.search", { text: of("search") }),
    type: () => t("rules.filter.type", { type: typeName(of("type")) }),
    sender: () => t("rules.filter.sender", { sender: of("sender") }),
    country: () => t("rules.filter.country", { country: country(of("country")) }),
    unused: () => t("rules.filter.unused"),
  };
  const typeName = (type: string) => (isType(type) ? t(`rules.types.${type}`) : type);
  const country = (code: string) => (/^[A-Z]{2}$/.test(code) ? countryName(code, i18n.language) : code);
  const active = names.filter((name) => of(name) !== "");
  const chips: FilterChip[] = active.map((name) => ({
    key: name,
    label: words[name](),
    onRemove: () => set({ [name]: "" } as Record<Name, string>),
  }));
  return {
    of,
    set: (change: Partial<Record<Name, string>>) => set(change),
    chips,
    clear: () => set(Object.fromEntries([...names, "sort"].map((name) => [name, ""]))),
    query: {
      ...(of("search") && { search: of("search") }),
      ...(of("type") && { type: of("type") as RuleType }), // the API refuses another type
      ...(of("sender") && { send_id: of("sender") }),
      ...(of("country") && { country: of("country") }),
      ...(values.sort && { sort: values.sort as Sort }),
    },
    orderOf: (field: "name" | "updated_at"): Order | null =>
      (({ [field]: "ascend", [`-${field}`]: "descend" }) as const)[values.sort] ?? null,
    /** onSort is the handler of a table's heads. Without an order, the newest item is first. */
    onSort: (_: unknown, __: unknown, sorter: unknown) => {
      const { field, order } = (Array.isArray(sorter) ? sorter[0] : sorter) as { field?: string; order?: Order | null };
      set({ sort: order ? `${order === "descend" ? "-" : ""}${field}` : "" });
    },
  };
}

function isType(type: string): type is Rule["type"] {
  return ruleTypes.some((known) => known === type);
}
