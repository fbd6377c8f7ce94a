import { useQuery } from "@tanstack/react-query";
import { Card, DatePicker, Segmented, Spin } from "antd";
import dayjs from "dayjs";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas, Stats } from "../api/client";
import { statsQuery } from "../api/queries";
import { countryName } from "../rules/countries";
import { PolicySelect } from "../sends/PolicySelect";
import { OutageNotice, useOutage } from "../ui/outage";
import { PageHeader } from "../ui/PageHeader";
import { ProblemAlert } from "../ui/ProblemView";
import { ScrollTable } from "../ui/ScrollTable";
import { exact } from "../ui/time";
import { useFilters } from "../ui/useFilters";
import { OutcomesChart } from "./OutcomesChart";
import { percent, Rates } from "./Rates";
import { isRange, type Range, ranges } from "./range";

const Nothing = lazy(() => import("./Nothing"));

const refresh = 10_000; // ms; the API caches an answer as long

export default function OverviewPage() {
  const { t } = useTranslation();
  const { values, set } = useFilters("range", "from", "until", "policy");
  const own = values.from !== "" && values.until !== "" ? { from: values.from, until: values.until } : undefined;
  const range: Range = isRange(values.range) ? values.range : "day";
  const stats = useQuery({
    ...statsQuery(own ?? range, values.policy || undefined),
    staleTime: refresh,
    refetchInterval: own ? false : refresh,
  });
  const outage = useOutage(stats);
  const isLoaded = stats.data !== undefined && !stats.isPlaceholderData;
  return (
    <>
      <PageHeader title={t("overview.title")} about={t("overview.about")} />
      <div className="toolbar">
        <Segmented<Range | "own">
          aria-label={t("overview.range")}
          value={own ? "own" : range}
          onChange={(value) => set({ range: value === "day" ? "" : value, from: "", until: "" })}
          options={[
            ...(Object.keys(ranges) as Range[]).map((value) => ({ value, label: t(`overview.ranges.${value}`) })),
            ...(own ? [{ value: "own" as const, label: t("overview.ranges.own") }] : []),
          ]}
        />
        <DatePicker.RangePicker
          showTime={{ format: "HH:mm" }}
          format="YYYY-MM-DD HH:mm"
          aria-label={t("overview.ranges.own")}
          value={own ? [dayjs(own.from), dayjs(own.until)] : null}
          onChange={(chosen) =>
            set({ range: "", from: chosen?.[0]?.toISOString() ?? "", until: chosen?.[1]?.toISOString() ?? "" })
          }
        />
        <PolicySelect
          value={values.policy || undefined}
          onChange={(policy) => set({ policy: policy ?? "" })}
          label={t("overview.allPolicies")}
        />
      </div>
      {outage && !isLoaded && <ProblemAlert error={outage.error} retry={outage.retry} />}
      {outage && isLoaded && <OutageNotice outage={outage} />}
      {!outage && !stats.data && <Spin className="page-spin" />}
      {stats.data && (!outage || isLoaded) && (
        <div className={outage ? "outdated" : ""}>
          {stats.data.totals.sends === 0 ? (
            <Suspense>
              <Nothing />
            </Suspense>
          ) : (
            <Report stats={stats.data} />
          )}
        </div>
      )}
    </>
  );
}

function Report({ stats }: { stats: Stats }) {
  const { t, i18n } = useTranslation();
  const words = { part: t("overview.fallbacks"), whole: t("overview.sends") };
  const reasons = stats.by_reason.filter((row) => row.fallbacks > 0);
  return (
    <>
      <Totals stats={stats} />
      <OutcomesChart stats={stats} />
      <div className="columns">
        <Rates
          title={t("overview.byPolicy")}
          of={t("sends.policy")}
          {...words}
          rates={stats.by_policy.map(({ id, name, counts }) => ({
            key: id,
            name,
            to: `/sends?policy=${id}`,
            part: counts.fallbacks,
            whole: counts.sends,
          }))}
        />
        <Rates
          title={t("overview.byRule")}
          of={t("rules.one")}
          {...words}
          rates={stats.by_rule.map(({ name, type, sends, fallbacks }) => ({
            key: `${type} ${name}`,
            name,
            to: `/rules?search=${encodeURIComponent(name)}`,
            part: fallbacks,
            whole: sends,
          }))}
        />
        <Rates
          title={t("overview.byType")}
          of={t("rules.type")}
          {...words}
          rates={stats.by_type.map(({ type, sends, fallbacks }) => ({
            key: type,
            name: t(`rules.types.${type}`),
            part: fallbacks,
            whole: sends,
          }))}
        />
        <Rates
          title={t("overview.byReason")}
          of={t("overview.reason")}
          part={t("overview.fallbacks")}
          whole={t("overview.allFallbacks")}
          rates={reasons.map(({ reason, fallbacks }) => ({
            key: reason,
            name: t(`overview.reasons.${reason}`),
            part: fallbacks,
            whole: stats.totals.fallbacks,
          }))}
        />
        <Rates
          title={t("overview.byCountry")}
          of={t("sends.country")}
          {...words}
          rates={stats.by_country.map(({ country, counts }) => ({
            key: country || "none",
            name: country ? countryName(country, i18n.language) : t("overview.noCountry"),
            part: counts.fallbacks,
            whole: counts.sends,
          }))}
        />
        <Times times={stats.time_to_delivery} />
      </div>
    </>
  );
}

function Totals({ stats: { totals, time_to_delivery: times } }: { stats: Stats }) {
  const { t, i18n } = useTranslation();
  const number = (n: number) => new Intl.NumberFormat(i18n.language).format(n);
  const share = (n: number) => percent(n, totals.sends, i18n.language);
  const tiles = [
    {
      key: "sends",
      label: t("overview.sends"),
      value: number(totals.sends),
      note: t("overview.open", { count: totals.pending }),
    },
    { key: "whatsapp", label: t("overview.byWhatsApp"), value: share(totals.whatsapp), note: number(totals.whatsapp) },
    { key: "sms", label: t("overview.bySMS"), value: share(totals.sms), note: number(totals.sms) },
    { key: "failed", label: t("overview.failed"), value: share(totals.failed), note: number(totals.failed) },
    {
      key: "fallbacks",
      label: t("overview.fallbackRate"),
      value: share(totals.fallbacks),
      note: t("overview.averted", { count: totals.averted }),
    },
    {
      key: "duplicates",
      label: t("overview.duplicates"),
      value: number(totals.duplicates),
      note: t("overview.duplicatesMean"),
    },
    {
      key: "time",
      label: t("overview.median"),
      value: times.all.p50 === undefined ? "–" : exact(times.all.p50, t, i18n.language),
      note: times.all.p99 === undefined ? "" : t("overview.p99", { time: exact(times.all.p99, t, i18n.language) }),
    },
  ];
  return (
    <dl className="tiles">
      {tiles.map(({ key, label, value, note }) => (
        <div key={key} className="tile">
          <dt>{label}</dt>
          <dd>
            <strong>{value}</strong>
            <small>{note}</small>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Times({ times }: { times: Schemas["StatsTimes"] }) {
  const { t, i18n } = useTranslation();
  const rows = (["all", "whatsapp", "sms"] as const).map((key) => ({ key, ...times[key] }));
  const written = (seconds: number | undefined) => (seconds === undefined ? "–" : exact(seconds, t, i18n.language));
  return (
    <Card size="small" title={<h2>{t("overview.times")}</h2>}>
      <ScrollTable
        label={t("overview.times")}
        rowKey="key"
        dataSource={rows}
        columns={[
          {
            title: t("overview.channel"),
            key: "key",
            rowScope: "row",
            render: (_, row) => t(`overview.channels.${row.key}`),
          },
          { title: t("overview.arrived"), dataIndex: "count", align: "right" },
          { title: "p50", key: "p50", className: "nowrap", align: "right", render: (_, row) => written(row.p50) },
          { title: "p95", key: "p95", className: "nowrap", align: "right", render: (_, row) => written(row.p95) },
          { title: "p99", key: "p99", className: "nowrap", align: "right", render: (_, row) => written(row.p99) },
        ]}
      />
      <p className="hint">{t("overview.timesMean")}</p>
    </Card>
  );
}
