import { Empty, type TableColumnsType } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../api/client";
import { providerName } from "../sends/explanation";
import { useReader } from "../sends/useReader";
import { ScrollTable } from "../ui/ScrollTable";
import { useExplain } from "./ErrorCode";
import { useSendsLink } from "./scope";
import { useNumbers } from "./useNumbers";
import { useRowLink } from "./useRowLink";

type Row = Schemas["StatsOfCode"];

/** Codes shows the error codes of both channels, with what they mean. A failure without a code has no list of sends. */
export function Codes({ codes }: { codes: Row[] }) {
  const { t } = useTranslation();
  const link = useSendsLink();
  const rowLink = useRowLink();
  const { count } = useNumbers();
  const explain = useExplain();
  const { providers } = useReader();
  const toOf = ({ provider, code }: Row) => (code ? link({ provider, code }) : undefined);
  const columns: TableColumnsType<Row> = [
    {
      title: t("overview.code"),
      dataIndex: "code",
      rowScope: "row",
      className: "nowrap",
      sorter: (a, b) => a.code.localeCompare(b.code, undefined, { numeric: true }),
      render: (_, row) => {
        const to = toOf(row);
        return to ? (
          <Link to={to} className="code">
            {row.code}
          </Link>
        ) : (
          t("overview.codes.noCode")
        );
      },
    },
    {
      title: t("overview.codes.provider"),
      key: "provider",
      className: "nowrap",
      sorter: (a, b) => a.provider.localeCompare(b.provider),
      render: (_, { provider, channel }) => `${providerName(provider, providers)} · ${t(`channel.${channel}`)}`,
    },
    {
      title: t("overview.sends"),
      key: "sends",
      align: "right",
      defaultSortOrder: "descend",
      sorter: (a, b) => a.sends - b.sends,
      render: (_, row) => {
        const to = toOf(row);
        return to ? <Link to={to}>{count(row.sends)}</Link> : count(row.sends);
      },
    },
    {
      title: t("overview.codes.class"),
      key: "class",
      className: "class-cell",
      render: (_, row) => (row.class ? t(`overview.codes.classes.${row.class}`) : "–"),
    },
    {
      title: t("overview.codes.meaning"),
      key: "meaning",
      className: "meaning-cell",
      render: (_, row) => {
        const { cause, action } = explain(row.provider, row.code, row.class);
        return cause ? (
          <>
            {cause} <small className="cause">{action}</small>
          </>
        ) : (
          "–"
        );
      },
    },
  ];
  return (
    <ScrollTable<Row>
      label={t("overview.byCode")}
      className="numbers"
      rowKey={({ provider, channel, code, class: of }) => [provider, channel, code, of].join(" ")}
      columns={columns}
      dataSource={codes}
      showSorterTooltip={false}
      pagination={{ pageSize: 10, hideOnSinglePage: true, showSizeChanger: false }}
      locale={{ emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("overview.codes.none")} /> }}
      onRow={(row) => rowLink(toOf(row))}
    />
  );
}
