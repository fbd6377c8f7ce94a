import { Select } from "antd";
import { useTranslation } from "react-i18next";
import { OwnRange } from "../sends/SendFilters";
import { FilterBar, FilterField } from "../ui/FilterBar";
import { SearchBox } from "../ui/SearchBox";
import { type AuditFilter, actions, actorKinds, kinds } from "./useAuditFilter";

/** AuditFilters are the filters of the audit log. */
export function AuditFilters({ filter: { values, set, chips } }: { filter: AuditFilter }) {
  const { t } = useTranslation();
  const choices = [
    {
      name: "kind",
      label: t("audit.what"),
      options: kinds.map((value) => ({ value: value as string, label: t(`audit.kinds.${value}`) })),
    },
    {
      name: "action",
      label: t("audit.action"),
      options: actions.map((value) => ({ value: value as string, label: t(`audit.actions.${value}`) })),
    },
    {
      name: "actor_kind",
      label: t("audit.who"),
      options: actorKinds.map((value) => ({ value: value as string, label: t(`audit.actorKinds.${value}`) })),
    },
  ] as const;
  return (
    <FilterBar
      active={chips.filter(({ key }) => key !== "search").length}
      always={<SearchBox label={t("audit.search")} value={values.search} onChange={(search) => set({ search })} />}
    >
      {choices.map(({ name, label, options }) => (
        <FilterField key={name} label={label}>
          <Select
            className="filter"
            allowClear
            aria-label={label}
            placeholder={label}
            value={values[name] ?? null}
            onChange={(value) => set({ [name]: value ?? "" })}
            options={options}
          />
        </FilterField>
      ))}
      <OwnRange from={values.from} until={values.until} onChange={set} />
    </FilterBar>
  );
}
