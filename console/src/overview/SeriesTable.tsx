import type { TableColumnsType } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ScrollTable } from "../ui/ScrollTable";
import { useSendsLink } from "./scope";
import type { Row, View } from "./series";
import { rateOf } from "./shares";
import { useNumbers } from "./useNumbers";

/** SeriesTable has the numbers of a chart, with the same links. */
export function SeriesTable({ view, label }: { view: View; label: string }) {
  const { t } = useTranslation();
  const link = useSendsLink();
  const { count, rate } = useNumbers();
  const number = (row: Row, n: number, filter = {}) =>
    n > 0 ? <Link to={link({ ...filter, ...row.bounds })}>{count(n)}</Link> : count(n);
  const rated = (row: Row, n: number, filter = {}) => (
    <span className="nowrap">
      {number(row, n, filter)} <small className="hint">{rate(rateOf(n, row.sends))}</small>
    </span>
  );
  const columns: TableColumnsType<Row> = [
    { title: t("overview.time"), dataIndex: "name", rowScope: "row", className: "nowrap" },
    { title: t("overview.sends"), key: "sends", align: "right", render: (_, row) => number(row, row.sends) },
    ...(view.isRate
      ? [
          {
            title: t("overview.fallbacks"),
            key: "fallbacks",
            align: "right" as const,
            render: (_: unknown, row: Row) => rated(row, row.fallbacks, { fell_back: "true" }),
          },
        ]
      : []),
    ...view.parts.map((part) => ({
      title: part.name,
      key: part.key,
      align: "right" as const,
      render: (_: unknown, row: Row) => {
        const n = row.counts[part.key] ?? 0;
        return view.isRate ? rated(row, n, part.filter) : number(row, n, part.filter);
      },
    })),
  ];
  return (
    <ScrollTable<Row>
      label={label}
      className="numbers"
      rowKey="at"
      dataSource={view.rows.filter((row) => row.sends > 0)}
      pagination={{ pageSize: 12, hideOnSinglePage: true, showSizeChanger: false }}
      columns={columns}
    />
  );
}
