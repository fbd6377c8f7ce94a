import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";

interface Props {
  of: "rules" | "policies" | "accounts" | "messages";
  list: { data?: { total?: Schemas["Total"] } | undefined; isPlaceholderData: boolean };
}

/** ListTotal is the number of all items that pass the filters: "217 rules". */
export function ListTotal({ of, list }: Props) {
  const { t, i18n } = useTranslation();
  const total = list.isPlaceholderData ? undefined : list.data?.total;
  const number = new Intl.NumberFormat(i18n.language).format(total?.count ?? 0);
  return (
    <div className="list-head">
      <strong role="status">
        {total && (total.is_exact ? t(`${of}.total`, { count: total.count, number }) : t(`${of}.moreThan`, { number }))}
      </strong>
    </div>
  );
}
