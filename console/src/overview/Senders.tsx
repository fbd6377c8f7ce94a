import { Empty, Grid, type TableColumnsType } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../api/client";
import { countryName } from "../rules/countries";
import type { FilterValues } from "../sends/filter";
import { Name } from "../ui/Name";
import { ScrollTable } from "../ui/ScrollTable";
import { ErrorCode, type Explain, useExplain } from "./ErrorCode";
import { countryFilter, useSendsLink } from "./scope";
import { certainRate, mainCountry, rateOf } from "./shares";
import { useNumbers } from "./useNumbers";
import { useRowLink } from "./useRowLink";

type Counts = Schemas["SMSCounts"];
type OfSender = Schemas["StatsOfSender"];

interface Row {
  key: string;
  name: string; // the sender, or a country below it
  route: string; // empty for a country
  filter: Partial<FilterValues>;
  counts: Counts;
  children?: Row[];
}

const failingOf = ({ failed, sms }: Counts) => certainRate(failed, sms);

/** Senders answers which sender fails: it says so, and shows the results of the SMS by sender and route. */
export function Senders({ senders }: { senders: OfSender[] }) {
  const { t } = useTranslation();
  const explain = useExplain();
  const worst = senders.toSorted((a, b) => failingOf(b.counts) - failingOf(a.counts))[0];
  return (
    <>
      {worst && (
        <p className="answer">
          {worst.counts.failed === 0 ? t("overview.senders.noneFailed") : <Worst sender={worst} explain={explain} />}
        </p>
      )}
      <SenderTable senders={senders} explain={explain} />
      <p className="hint">{t("overview.senders.counted")}</p>
    </>
  );
}

function Worst({ sender: { sender, route, counts, by_country }, explain }: { sender: OfSender; explain: Explain }) {
  const { t, i18n } = useTranslation();
  const { count, rate } = useNumbers();
  const main = mainCountry(counts.failed, by_country);
  const { top_code: top } = counts;
  const cause = top && explain(top.provider, top.code).cause;
  return (
    <>
      {t("overview.senders.worst", {
        sender,
        route,
        failed: count(counts.failed),
        sms: count(counts.sms),
        rate: rate(rateOf(counts.failed, counts.sms)),
      })}
      {main &&
        t("overview.senders.inCountry", {
          failed: count(main.counts.failed),
          country: countryName(main.country, i18n.language),
        })}
      {top && t("overview.senders.mostly", { code: top.code })}
      {cause ? t("overview.senders.cause", { cause }) : t("overview.changes.stop")}
    </>
  );
}

function SenderTable({ senders, explain }: { senders: OfSender[]; explain: Explain }) {
  const { t } = useTranslation();
  const link = useSendsLink();
  const rowLink = useRowLink();
  return (
    <ScrollTable<Row>
      label={t("overview.bySender")}
      className="numbers"
      rowKey="key"
      columns={useColumns(explain)}
      dataSource={useRows(senders)}
      showSorterTooltip={false}
      pagination={{ pageSize: 10, hideOnSinglePage: true, showSizeChanger: false }}
      locale={{
        expand: t("overview.senders.byCountry"), // the name of the button of a row
        collapse: t("overview.senders.byCountry"),
        emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("overview.senders.none")} />,
      }}
      onRow={(row) => rowLink(link(row.filter))}
    />
  );
}

function useRows(senders: OfSender[]): Row[] {
  const { t, i18n } = useTranslation();
  return senders.map(({ sender, route, counts, by_country }) => ({
    key: `${route} ${sender}`,
    name: sender,
    route,
    filter: { sender, route },
    counts,
    children: by_country.map((row) => ({
      key: `${route} ${sender} ${row.country}`,
      name: row.country ? countryName(row.country, i18n.language) : t("overview.noCountry"),
      route: "",
      filter: { sender, route, country: countryFilter(row.country) },
      counts: row.counts,
    })),
  }));
}

function useColumns(explain: Explain): TableColumnsType<Row> {
  const { t } = useTranslation();
  const link = useSendsLink();
  const { count, rate, seconds } = useNumbers();
  const isWide = Grid.useBreakpoint().sm ?? true;
  const result = (key: "delivered" | "failed" | "no_receipt"): TableColumnsType<Row>[number] => ({
    title: t(`overview.senders.${key}`),
    key,
    align: "right",
    className: "nowrap",
    sorter: (a, b) => certainRate(a.counts[key], a.counts.sms) - certainRate(b.counts[key], b.counts.sms),
    render: (_, { counts, filter }) => (
      <span className={`sms-result ${key === "failed" && counts.failed > 0 ? "bad" : ""}`}>
        {counts[key] > 0 ? <Link to={link({ ...filter, sms_result: key })}>{count(counts[key])}</Link> : count(0)}
        <small>{rate(rateOf(counts[key], counts.sms))}</small>
      </span>
    ),
  });
  return [
    {
      title: t("overview.senders.sender"),
      key: "name",
      rowScope: "row",
      className: "sender-cell",
      sorter: (a, b) => a.name.localeCompare(b.name),
      render: (_, { name, route, filter }) => (
        <span className="sender">
          <Link to={link(filter)}>
            <Name>{name}</Name>
          </Link>
          {!isWide && route && <small>{t("overview.senders.by", { route })}</small>}
        </span>
      ),
    },
    {
      title: t("rules.route"),
      hidden: !isWide,
      dataIndex: "route",
      sorter: (a, b) => a.route.localeCompare(b.route),
      render: (_, { route }) => route && <Name>{route}</Name>,
    },
    {
      title: t("overview.senders.tried"),
      key: "sms",
      align: "right",
      sorter: (a, b) => a.counts.sms - b.counts.sms,
      render: (_, { counts, filter }) => <Link to={link(filter)}>{count(counts.sms)}</Link>,
    },
    result("delivered"),
    { ...result("failed"), defaultSortOrder: "descend" },
    result("no_receipt"),
    {
      title: "p95",
      key: "p95",
      align: "right",
      className: "nowrap",
      sorter: (a, b) => (a.counts.time_to_delivery.p95 ?? -1) - (b.counts.time_to_delivery.p95 ?? -1),
      render: (_, { counts }) => seconds(counts.time_to_delivery.p95),
    },
    {
      title: t("overview.senders.topCode"),
      key: "code",
      className: "code-cell",
      render: (_, { counts: { top_code: top }, filter }) =>
        top ? (
          <ErrorCode
            code={top.code}
            to={link({ ...filter, sms_result: "failed", provider: top.provider, code: top.code })}
            explanation={explain(top.provider, top.code)}
          />
        ) : (
          "–"
        ),
    },
  ];
}
