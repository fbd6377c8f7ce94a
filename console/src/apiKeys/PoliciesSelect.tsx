import { useQueries } from "@tanstack/react-query";
import { Select } from "antd";
import { useTranslation } from "react-i18next";
import { constraints } from "../api/constraints.gen";
import { policyQuery } from "../api/queries";
import { usePolicies } from "../sends/PolicySelect";
import { useSearch } from "../ui/useSearch";

/** usePolicyNames returns the name of each policy. One that is deleted has its id. */
export function usePolicyNames(ids: string[]): (id: string) => string {
  const found = useQueries({ queries: ids.map((id) => ({ ...policyQuery(id), retry: false })) });
  return (id) => found[ids.indexOf(id)]?.data?.name ?? id;
}

interface Props {
  id?: string; // from Form.Item
  value?: string[]; // the ids
  onChange?: (ids: string[]) => void;
}

/** PoliciesSelect selects policies by their names. */
export function PoliciesSelect({ id, value = [], onChange }: Props) {
  const { t } = useTranslation();
  const { search, setSearch, items, empty, props } = useSearch(usePolicies);
  const nameOf = usePolicyNames(value);
  const listed = items.map((policy) => ({ value: policy.id, label: policy.name }));
  return (
    <Select<{ value: string; label: string }[]>
      {...(id ? { id } : {})}
      {...props}
      showSearch={{ ...props.showSearch, searchValue: search }}
      mode="multiple"
      maxCount={constraints.KeyInput.policies.maxItems}
      allowClear
      labelInValue
      placeholder={t("keys.allPolicies")}
      value={value.map((one) => ({ value: one, label: nameOf(one) }))}
      onChange={(chosen) => {
        setSearch("");
        onChange?.(chosen.map((one) => one.value));
      }}
      options={listed}
      notFoundContent={empty}
    />
  );
}
