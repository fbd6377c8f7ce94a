import { Select } from "antd";
import { useTranslation } from "react-i18next";
import type { Provider } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { FilterBar, FilterField } from "../ui/FilterBar";
import { SearchBox } from "../ui/SearchBox";
import type { AccountsFilter } from "./useAccountsFilter";

const channels = constraints.AccountInput.channel.enum;

/** AccountFilters are the filters of the list of accounts. */
export function AccountFilters({ filter, providers }: { filter: AccountsFilter; providers: Provider[] }) {
  const { t } = useTranslation();
  const { values, set, chips } = filter;
  const choices = {
    channel: {
      label: t("accounts.channel"),
      options: channels.map((value) => ({ value: value as string, label: t(`channel.${value}`) })),
    },
    provider: {
      label: t("accounts.provider"),
      options: providers.map(({ name, title }) => ({ value: name, label: title })),
    },
    disabled: {
      label: t("accounts.use"),
      options: [
        { value: "false", label: t("accounts.enabled") },
        { value: "true", label: t("accounts.disabled") },
      ],
    },
  };
  return (
    <FilterBar
      active={chips.filter(({ key }) => key !== "search").length}
      always={
        <SearchBox label={t("accounts.search")} value={values.search} onChange={(text) => set({ search: text })} />
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
