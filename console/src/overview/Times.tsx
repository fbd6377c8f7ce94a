import { useTranslation } from "react-i18next";
import type { Stats } from "../api/client";
import { ScrollTable } from "../ui/ScrollTable";
import { useNumbers } from "./useNumbers";

/** Times shows how long the deliveries took. */
export function Times({ stats: { time_to_delivery: times } }: { stats: Stats }) {
  const { t } = useTranslation();
  const { count, seconds } = useNumbers();
  const rows = (["all", "whatsapp", "sms"] as const).map((key) => ({ key, ...times[key] }));
  const quantile = (name: "p50" | "p95" | "p99") => ({
    title: name,
    key: name,
    className: "nowrap",
    align: "right" as const,
    render: (_: unknown, row: (typeof rows)[number]) => seconds(row[name]),
  });
  return (
    <>
      <ScrollTable
        label={t("overview.times")}
        className="numbers"
        rowKey="key"
        dataSource={rows}
        columns={[
          {
            title: t("overview.channel"),
            key: "key",
            rowScope: "row",
            render: (_, row) => t(`overview.channels.${row.key}`),
          },
          { title: t("overview.arrived"), key: "count", align: "right", render: (_, row) => count(row.count) },
          quantile("p50"),
          quantile("p95"),
          quantile("p99"),
        ]}
      />
      <p className="hint">{t("overview.timesMean")}</p>
    </>
  );
}
