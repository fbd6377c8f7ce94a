import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { policiesQuery, policyQuery } from "../api/queries";
import { useSearch } from "../ui/useSearch";

interface Props {
  id?: string; // from Form.Item
  value?: string | undefined; // the policy's id
  onChange?: (id: string | undefined) => void;
  label?: string; // if there is no Form.Item with a label
}

interface Option {
  value: string;
  label: string;
}

export const usePolicies = (search: string) => useQuery(policiesQuery({ search: search || undefined, limit: 50 }));

/** PolicySelect selects a policy by its name. */
export function PolicySelect({ id, value, onChange, label }: Props) {
  const { t } = useTranslation();
  const { search, items, empty, props } = useSearch(usePolicies);
  const isExact = ({ label }: Option) => label.toLowerCase() === search.trim().toLowerCase();
  const listed = items
    .map((policy): Option => ({ value: policy.id, label: policy.name }))
    .sort((a, b) => Number(isExact(b)) - Number(isExact(a))); // Enter takes the first
  const [picked, setPicked] = useState<Option>();
  const known = [picked, ...listed].find((option) => option?.value === value);
  const chosen = useQuery({ ...policyQuery(value ?? ""), enabled: value !== undefined && !known, retry: false });
  const current = value === undefined ? undefined : (known ?? { value, label: chosen.data?.name ?? value });
  // The chosen policy may be on a later page of all policies. It is no result of a search by another text.
  const isMissing = current && search === "" && !listed.some((option) => option.value === value);
  return (
    <Select<Option | undefined>
      {...(id ? { id } : {})}
      {...(label ? { "aria-label": label, placeholder: label } : { placeholder: t("sends.pickPolicy") })}
      {...props}
      className="filter"
      allowClear
      labelInValue
      value={current}
      onChange={(option) => {
        setPicked(option);
        onChange?.(option?.value);
      }}
      options={isMissing ? [current, ...listed] : listed}
      notFoundContent={empty}
    />
  );
}
