import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { messageQuery, messagesQuery } from "../api/queries";
import { useSearch } from "../ui/useSearch";

interface Props {
  id?: string; // from Form.Item
  value?: string | undefined; // the message's id
  onChange?: (id: string | undefined) => void;
}

interface Option {
  value: string;
  label: string;
}

const useMessages = (search: string) => useQuery(messagesQuery({ search: search || undefined, limit: 50 }));

/** MessageSelect selects a stored message by its name. */
export function MessageSelect({ id, value, onChange }: Props) {
  const { t } = useTranslation();
  const { search, items, empty, props } = useSearch(useMessages);
  const listed = items.map((message): Option => ({ value: message.id, label: message.name }));
  const [picked, setPicked] = useState<Option>();
  const known = [picked, ...listed].find((option) => option?.value === value);
  const chosen = useQuery({ ...messageQuery(value ?? ""), enabled: value !== undefined && !known, retry: false });
  const current = value === undefined ? undefined : (known ?? { value, label: chosen.data?.name ?? value });
  const isMissing = current && search === "" && !listed.some((option) => option.value === value);
  return (
    <Select<Option | undefined>
      {...(id ? { id } : {})}
      {...props}
      allowClear
      labelInValue
      placeholder={t("messages.pick")}
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
