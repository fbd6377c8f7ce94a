import { Select } from "antd";
import { useTranslation } from "react-i18next";
import { FilterBar, FilterField } from "../ui/FilterBar";
import { SearchBox } from "../ui/SearchBox";
import { type CallbacksFilter, searched, states, statuses } from "./useCallbacksFilter";

/** CallbackFilters are the filters of the list of callbacks. */
export function CallbackFilters({ filter: { values, set, chips } }: { filter: CallbacksFilter }) {
  const { t } = useTranslation();
  const choices = {
    state: {
      label: t("callbacks.state"),
      options: states.map((value) => ({ value: value as string, label: t(`callbacks.states.${value}`) })),
    },
    status: {
      label: t("callbacks.status"),
      options: statuses.map((value) => ({ value, label: value === "0" ? t("callbacks.statuses.none") : value })),
    },
  };
  return (
    <FilterBar
      active={chips.filter(({ key }) => key === "state" || key === "status").length}
      always={
        <SearchBox
          label={t("callbacks.search")}
          value={values.send || values.url}
          onChange={(text) => set(searched(text))}
          maxLength={2048}
        />
      }
    >
      {(Object.keys(choices) as (keyof typeof choices)[]).map((name) => (
        <FilterField key={name} label={choices[name].label}>
          <Select
            className="filter"
            allowClear
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
