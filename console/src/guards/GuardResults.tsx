import { useQuery } from "@tanstack/react-query";
import { Card } from "antd";
import { useTranslation } from "react-i18next";
import { type GuardCountItem, guardResultsQuery } from "../api/queries";
import { countryName } from "../rules/countries";
import { ListTable } from "../ui/ListTable";
import type { ListColumn } from "../ui/listColumns";
import { TimeText } from "../ui/TimeText";

/** GuardResults counts what the guards did in the last 24 hours. */
export function GuardResults() {
  const { t, i18n } = useTranslation();
  const results = useQuery(guardResultsQuery);
  const columns: ListColumn<GuardCountItem>[] = [
    {
      title: t("guards.guard"),
      dataIndex: "guard",
      rowScope: "row",
      render: (_, { guard }) => t(`guards.names.${guard}`),
    },
    { title: t("guards.result"), dataIndex: "result", render: (_, { result }) => t(`guards.resultNames.${result}`) },
    {
      title: t("guards.country"),
      dataIndex: "country",
      render: (_, { country }) => (country ? countryName(country, i18n.language) : t("guards.noneCountry")),
    },
    {
      title: t("guards.count"),
      dataIndex: "count",
      align: "right",
      render: (_, { count }) => count.toLocaleString(i18n.language),
    },
    { title: t("guards.lastAt"), dataIndex: "last_at", render: (_, { last_at }) => <TimeText at={last_at} /> },
  ];
  return (
    <Card size="small" title={<h2>{t("guards.results")}</h2>}>
      <ListTable
        list={results}
        columns={columns}
        label={t("guards.results")}
        empty={<p className="hint">{t("guards.noResults")}</p>}
      />
    </Card>
  );
}
