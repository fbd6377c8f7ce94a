import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { policiesQuery, policyQuery } from "../api/queries";

interface Props {
  id?: string; // from Form.Item
  value?: string | undefined; // the policy's id
  onChange?: (id: string | undefined) => void;
  label?: string; // if there is no Form.Item with a label
}

/** PolicySelect selects a policy by its name. */
export function PolicySelect({ id, value, onChange, label }: Props) {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const found = useQuery(policiesQuery({ search: useDeferredValue(search) || undefined, limit: 50 }));
  const listed = (found.data?.items ?? []).map((policy) => ({ value: policy.id, label: policy.name }));
  const missing = value !== undefined && !listed.some((option) => option.value === value);
  const chosen = useQuery({ ...policyQuery(value ?? ""), enabled: missing && found.isSuccess, retry: false });
  const options = missing ? [{ value, label: chosen.data?.name ?? value }, ...listed] : listed;
  return (
    <Select<string | undefined>
      {...(id ? { id } : {})}
      {...(label ? { "aria-label": label, placeholder: label } : { placeholder: t("sends.pickPolicy") })}
      className="filter"
      allowClear
      loading={found.isFetching}
      showSearch={{ filterOption: false, onSearch: setSearch }}
      value={value}
      onChange={onChange}
      options={options}
      notFoundContent={found.isSuccess ? t("list.nothingFound") : null}
    />
  );
}
