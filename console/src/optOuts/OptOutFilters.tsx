import { Select } from "antd";
import { useTranslation } from "react-i18next";
import { RecipientField } from "../sends/RecipientField";
import { FilterBar, FilterField } from "../ui/FilterBar";
import { categories, type OptOutsFilter, sources } from "./useOptOutsFilter";

/** OptOutFilters are the filters of the list of opt-outs. */
export function OptOutFilters({ filter }: { filter: OptOutsFilter }) {
  const { t } = useTranslation();
  const { values, set, chips } = filter;
  return (
    <FilterBar
      active={chips.filter(({ key }) => key === "category" || key === "source").length}
      always={<RecipientField to={values.to} toEnds={values.to_ends} onChange={set} />}
    >
      <FilterField label={t("optOuts.category")}>
        <Select
          className="filter"
          allowClear
          aria-label={t("optOuts.category")}
          placeholder={t("optOuts.category")}
          value={values.category ?? null}
          onChange={(category) => set({ category: category ?? "" })}
          options={categories.map((value) => ({ value, label: t(`optOuts.categories.${value}`) }))}
        />
      </FilterField>
      <FilterField label={t("optOuts.source")}>
        <Select
          className="filter"
          allowClear
          aria-label={t("optOuts.source")}
          placeholder={t("optOuts.source")}
          value={values.source ?? null}
          onChange={(source) => set({ source: source ?? "" })}
          options={sources.map((value) => ({ value, label: t(`optOuts.sources.${value}`) }))}
        />
      </FilterField>
    </FilterBar>
  );
}
