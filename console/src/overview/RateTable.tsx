import { Empty, Grid, type TableColumnsType } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Name } from "../ui/Name";
import { ScrollTable } from "../ui/ScrollTable";
import { Change } from "./Change";
import { rateOf } from "./shares";
import { useNumbers } from "./useNumbers";
import { useRowLink } from "./useRowLink";

interface Ratio {
  part: number;
  whole: number;
}

export interface Rate extends Ratio {
  key: string;
  name: string;
  to: string | undefined; // the sends of the row
  wholeTo: string | undefined;
  partTo: string | undefined;
  before: Ratio | undefined;
  more?: ReactNode; // of the column `more`
}

interface Props {
  label: string; // of the table
  of: string; // the titles of the columns
  whole: string;
  part: string;
  rate: string;
  more?: string;
  rates: Rate[];
}

const byRate = (a: Rate, b: Rate) => (rateOf(a.part, a.whole) ?? -1) - (rateOf(b.part, b.whole) ?? -1);

/** RateTable compares rates: each row has the numbers, a bar, and the change since the range before. */
export function RateTable({ label, of, whole, part, rate, more, rates }: Props) {
  const { t } = useTranslation();
  const numbers = useNumbers();
  const rowLink = useRowLink();
  const number = (n: number, to: string | undefined) =>
    to && n > 0 ? <Link to={to}>{numbers.count(n)}</Link> : numbers.count(n);
  const isWide = Grid.useBreakpoint().sm ?? true;
  const changeOf = (row: Rate) => (
    <Change
      now={rateOf(row.part, row.whole)}
      before={row.before && rateOf(row.before.part, row.before.whole)}
      unit="points"
      rise="worse"
    />
  );
  const sorted = (sorter: (a: Rate, b: Rate) => number) => (isWide ? { sorter } : {});
  const columns: TableColumnsType<Rate> = [
    {
      title: of,
      dataIndex: "name",
      rowScope: "row",
      className: "rate-name",
      ...sorted((a, b) => a.name.localeCompare(b.name)),
      render: (_, { name, to }) =>
        to ? (
          <Link to={to}>
            <Name>{name}</Name>
          </Link>
        ) : (
          <Name>{name}</Name>
        ),
    },
    {
      title: whole,
      key: "whole",
      align: "right",
      ...sorted((a, b) => a.whole - b.whole),
      render: (_, row) => number(row.whole, row.wholeTo),
    },
    {
      title: part,
      key: "part",
      align: "right",
      ...sorted((a, b) => a.part - b.part),
      render: (_, row) => number(row.part, row.partTo),
    },
    {
      title: rate,
      key: "rate",
      width: "28%",
      ...sorted(byRate),
      render: (_, row) => (
        <span className="rate">
          <span className="rate-track" aria-hidden="true">
            <span style={{ inlineSize: `${100 * (rateOf(row.part, row.whole) ?? 0)}%` }} />
          </span>
          <span className="rate-percent">{numbers.rate(rateOf(row.part, row.whole))}</span>
          {!isWide && changeOf(row)}
        </span>
      ),
    },
    ...(isWide
      ? [
          {
            title: t("overview.change.title"),
            key: "change",
            align: "right" as const,
            className: "nowrap",
            render: (_: unknown, row: Rate) => changeOf(row),
          },
        ]
      : []),
    ...(more
      ? [{ title: more, key: "more", align: "right" as const, render: (_: unknown, row: Rate) => row.more }]
      : []),
  ];
  return (
    <ScrollTable<Rate>
      label={label}
      className="numbers"
      rowKey="key"
      columns={columns}
      dataSource={rates}
      showSorterTooltip={false}
      pagination={{ pageSize: 10, hideOnSinglePage: true, showSizeChanger: false }}
      locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("overview.noRows")} /> }}
      onRow={(row) => rowLink(row.to)}
    />
  );
}
