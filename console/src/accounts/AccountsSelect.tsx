import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useTranslation } from "react-i18next";
import { constraints } from "../api/constraints.gen";
import { routesQuery } from "../api/queries";

interface Props {
  id?: string; // from Form.Item
  value?: string[];
  onChange?: (names: string[]) => void;
}

/** AccountsSelect selects SMS accounts in the order in which they are tried. */
export function AccountsSelect({ id, value, onChange }: Props) {
  const { t } = useTranslation();
  const routes = useQuery(routesQuery);
  return (
    <Select<string[]>
      {...(id ? { id } : {})}
      mode="multiple"
      maxCount={constraints.RuleInput.routes.maxItems}
      allowClear
      loading={routes.isPending}
      placeholder={t("newSend.asTheRule")}
      value={value ?? []}
      onChange={(names) => onChange?.(names)}
      options={(routes.data?.items ?? []).map(({ name }) => ({ value: name, label: name }))}
    />
  );
}
