import { Card, Empty, type TableColumnsType } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Name } from "../ui/Name";
import { ScrollTable } from "../ui/ScrollTable";

export interface Rate {
  key: string;
  name: string;
  to?: string; // the address of a page about it
  part: number;
  whole: number;
}

interface Props {
  title: string;
  of: string; // the title of the first column
  part: string;
  whole: string;
  rates: Rate[];
}

/** percent formats a share; a dash if there is nothing to share. */
export function percent(part: number, whole: number, language: string): string {
  if (whole === 0) {
    return "–";
  }
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 }).format(part / whole);
}

/** Rates compares shares: each row has the numbers and a bar. */
export function Rates({ title, of, part, whole, rates }: Props) {
  const { t, i18n } = useTranslation();
  const number = new Intl.NumberFormat(i18n.language);
  const columns: TableColumnsType<Rate> = [
    {
      title: of,
      dataIndex: "name",
      rowScope: "row",
      className: "rate-name",
      render: (_, { name, to }) =>
        to ? (
          <Link to={to}>
            <Name>{name}</Name>
          </Link>
        ) : (
          <Name>{name}</Name>
        ),
    },
    { title: whole, key: "whole", align: "right", render: (_, rate) => number.format(rate.whole) },
    { title: part, key: "part", align: "right", render: (_, rate) => number.format(rate.part) },
    {
      title: t("overview.rate"),
      key: "rate",
      width: "32%",
      render: (_, rate) => (
        <span className="rate">
          <span className="rate-track" aria-hidden="true">
            <span style={{ inlineSize: `${rate.whole ? (100 * rate.part) / rate.whole : 0}%` }} />
          </span>
          <span className="rate-percent">{percent(rate.part, rate.whole, i18n.language)}</span>
        </span>
      ),
    },
  ];
  return (
    <Card size="small" title={<h2>{title}</h2>}>
      <ScrollTable<Rate>
        label={title}
        rowKey="key"
        columns={columns}
        dataSource={rates}
        pagination={{ pageSize: 8, hideOnSinglePage: true, showSizeChanger: false }}
        locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("overview.nothing")} /> }}
      />
    </Card>
  );
}
