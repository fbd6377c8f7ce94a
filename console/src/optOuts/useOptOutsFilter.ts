// The filters of the list of opt-outs, in the address of the page.
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import type { FilterChip } from "../ui/FilterChips";
import { useFilters } from "../ui/useFilters";

export const categories = ["all", "marketing", "utility", "authentication"] as const;
export const sources = ["message", "preference", "provider", "api", "console", "import"] as const;

export type Category = Schemas["OptOutCategory"];
export type Source = Schemas["OptOutSource"];

const isCategory = (text: string): text is Category => (categories as readonly string[]).includes(text);
const isSource = (text: string): text is Source => (sources as readonly string[]).includes(text);

export type OptOutsFilter = ReturnType<typeof useOptOutsFilter>;

export function useOptOutsFilter() {
  const { t } = useTranslation();
  const { values, set } = useFilters("to", "to_ends", "category", "source");
  const category = isCategory(values.category) ? values.category : undefined;
  const source = isSource(values.source) ? values.source : undefined;
  const chips: FilterChip[] = [
    values.to && { key: "to", label: values.to, onRemove: () => set({ to: "" }) },
    values.to_ends && {
      key: "to_ends",
      label: t("optOuts.filter.ends", { digits: values.to_ends }),
      onRemove: () => set({ to_ends: "" }),
    },
    category && { key: "category", label: t(`optOuts.categories.${category}`), onRemove: () => set({ category: "" }) },
    source && { key: "source", label: t(`optOuts.sources.${source}`), onRemove: () => set({ source: "" }) },
  ].filter((chip) => typeof chip === "object");
  return {
    values: { ...values, category, source },
    set,
    chips,
    clear: () => set({ to: "", to_ends: "", category: "", source: "" }),
    query: {
      ...(values.to && { to: values.to }),
      ...(values.to_ends && { to_ends: values.to_ends }),
      ...(category && { category }),
      ...(source && { source }),
    },
  };
}
