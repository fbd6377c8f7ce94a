// The filters of the lists of rules and policies.
import { useQuery } from "@tanstack/react-query";
import { Checkbox, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { rulesQuery } from "../api/queries";
import { FilterBar, FilterField } from "../ui/FilterBar";
import { SearchBox } from "../ui/SearchBox";
import { countries, countryName } from "./countries";
import { ruleTypes } from "./meaning";
import type { ListFilter } from "./useListFilter";

interface Props {
  filter: ListFilter;
  search: string; // the label of the search
  hasUnused?: boolean;
}

export function RuleFilters({ filter, search, hasUnused = false }: Props) {
  const { t, i18n } = useTranslation();
  const { of, set, chips } = filter;
  const named = countries.map((value) => ({ value, label: countryName(value, i18n.language) }));
  named.sort((a, b) => a.label.localeCompare(b.label, i18n.language));
  return (
    <FilterBar
      active={chips.filter(({ key }) => key !== "search").length}
      always={<SearchBox label={search} value={of("search")} onChange={(text) => set({ search: text })} />}
    >
      <FilterField label={t("rules.type")}>
        <Select
          className="filter"
          allowClear
          aria-label={t("rules.type")}
          placeholder={t("rules.type")}
          value={of("type") || null}
          onChange={(type) => set({ type: type ?? "" })}
          options={ruleTypes.map((value) => ({ value, label: t(`rules.types.${value}`) }))}
        />
      </FilterField>
      <FilterField label={t("rules.sendID")}>
        <SenderSelect value={of("sender")} onChange={(sender) => set({ sender })} />
      </FilterField>
      <FilterField label={t("rules.filter.inCountry")}>
        <Select
          className="filter"
          allowClear
          showSearch={{ optionFilterProp: "label" }}
          aria-label={t("rules.filter.inCountry")}
          placeholder={t("rules.filter.inCountry")}
          value={of("country") || null}
          onChange={(country) => set({ country: country ?? "" })}
          options={named}
        />
      </FilterField>
      {hasUnused && (
        <Checkbox
          className="filter-check"
          checked={of("unused") === "true"}
          onChange={({ target }) => set({ unused: target.checked ? "true" : "" })}
        >
          {t("rules.filter.unused")}
        </Checkbox>
      )}
    </FilterBar>
  );
}

/** SenderSelect offers the senders of the newest rules, and any text that is typed. */
function SenderSelect({ value, onChange }: { value: string; onChange: (sender: string) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const rules = useQuery(rulesQuery({ limit: 200 }));
  const known = (rules.data?.items ?? []).map((rule) => rule.send_id).sort();
  const senders = new Set([...known, value, typed.trim()].filter((sender) => sender !== ""));
  return (
    <Select
      className="filter"
      allowClear
      showSearch={{ onSearch: setTyped }}
      aria-label={t("rules.sendID")}
      placeholder={t("rules.sendID")}
      value={value || null}
      onChange={(sender) => onChange(sender ?? "")}
      options={[...senders].map((sender) => ({ value: sender, label: sender }))}
    />
  );
}
