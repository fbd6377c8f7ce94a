// The filters of the list of templates, in the address of the page.
import { useTranslation } from "react-i18next";
import type { FilterChip } from "../ui/FilterChips";
import { useFilters } from "../ui/useFilters";
import { languageText, statusText } from "./template";

const names = ["search", "account", "status", "language"] as const;
type Name = (typeof names)[number];

export type TemplatesFilter = ReturnType<typeof useTemplatesFilter>;

export function useTemplatesFilter() {
  const { t, i18n } = useTranslation();
  const { values, set } = useFilters(...names);
  const words: Record<Name, () => string> = {
    search: () => t("rules.filter.search", { text: values.search }),
    account: () => t("templates.filter.account", { account: values.account }),
    status: () => t("templates.filter.status", { status: statusText(values.status, t) }),
    language: () => t("templates.filter.language", { language: languageText(values.language, i18n.language) }),
  };
  const chips: FilterChip[] = names
    .filter((name) => values[name] !== "")
    .map((name) => ({
      key: name,
      label: words[name](),
      onRemove: () => set({ [name]: "" } as Record<Name, string>),
    }));
  const search = values.search.trim().toLowerCase(); // the names at Meta have small letters
  return {
    values,
    set: (change: Partial<Record<Name, string>>) => set(change),
    chips,
    clear: () => set(Object.fromEntries(names.map((name) => [name, ""]))),
    query: {
      ...(search && { name: search }),
      ...(values.account && { account: values.account }),
      ...(values.status && { status: values.status }),
      ...(values.language && { language: values.language }),
    },
  };
}
