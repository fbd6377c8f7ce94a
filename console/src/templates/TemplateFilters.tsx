import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useTranslation } from "react-i18next";
import type { Account } from "../api/client";
import { templatesQuery } from "../api/queries";
import { FilterBar, FilterField } from "../ui/FilterBar";
import { SearchBox } from "../ui/SearchBox";
import { languageText, statuses, statusText } from "./template";
import type { TemplatesFilter } from "./useTemplatesFilter";

/** TemplateFilters are the filters of the list of templates. */
export function TemplateFilters({ filter, accounts }: { filter: TemplatesFilter; accounts: Account[] }) {
  const { t, i18n } = useTranslation();
  const { values, set, chips } = filter;
  const known = useQuery(templatesQuery({ limit: 200 })).data?.items ?? [];
  const languages = new Set([...known.map(({ language }) => language), values.language].filter(Boolean));
  const choices = {
    account: {
      label: t("templates.account"),
      options: accounts.map(({ name }) => ({ value: name, label: name })),
    },
    status: {
      label: t("templates.status"),
      options: statuses.map((value) => ({ value: value as string, label: statusText(value, t) })),
    },
    language: {
      label: t("templates.language"),
      options: [...languages].sort().map((value) => ({ value, label: languageText(value, i18n.language) })),
    },
  };
  return (
    <FilterBar
      active={chips.filter(({ key }) => key !== "search").length}
      always={
        <SearchBox label={t("templates.search")} value={values.search} onChange={(text) => set({ search: text })} />
      }
    >
      {(Object.keys(choices) as (keyof typeof choices)[]).map((name) => (
        <FilterField key={name} label={choices[name].label}>
          <Select
            className="filter"
            allowClear
            showSearch={{ optionFilterProp: "label" }}
            aria-label={choices[name].label}
            placeholder={choices[name].label}
            value={values[name] || null}
            onChange={(value) => set({ [name]: value ?? "" })}
            options={choices[name].options}
          />
        </FilterField>
      ))}
    </FilterBar>
  );
}
