import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useTranslation } from "react-i18next";
import type { Channel } from "../api/client";
import { accountsQuery, providersQuery } from "../api/queries";

interface Props {
  id?: string; // from Form.Item
  value?: string | undefined; // the name of the account
  onChange?: (name: string | undefined) => void;
  channel: Channel;
  placeholder: string; // what an empty field means
}

/** AccountSelect selects an account of a channel. An account that is disabled or gone stays if it is selected. */
export function AccountSelect({ id, value, onChange, channel, placeholder }: Props) {
  const { t } = useTranslation();
  const accounts = useQuery(accountsQuery({ channel, limit: 200, sort: "name" }));
  const providers = useQuery(providersQuery).data?.items ?? [];
  const items = accounts.data?.items ?? [];
  const selectable = items.filter(({ disabled, name }) => !disabled || name === value);
  const options = selectable.map(({ name, provider, disabled }) => ({
    value: name,
    label: name,
    about: [providers.find((one) => one.name === provider)?.title, disabled && t("accounts.disabled")]
      .filter(Boolean)
      .join(" · "),
  }));
  const isGone = value !== undefined && accounts.data && !items.some(({ name }) => name === value);
  return (
    <Select<string | undefined, (typeof options)[number]>
      {...(id ? { id } : {})}
      allowClear
      showSearch
      loading={accounts.isPending}
      placeholder={placeholder}
      value={value}
      onChange={(name) => onChange?.(name)}
      options={isGone ? [{ value, label: value, about: t("accounts.gone") }, ...options] : options}
      optionRender={({ label, data }) => (
        <>
          {label}
          <small className="option-about">{data.about}</small>
        </>
      )}
    />
  );
}
