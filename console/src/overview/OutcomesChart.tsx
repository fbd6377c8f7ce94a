import { useTranslation } from "react-i18next";
import { Bar, BarChart, CartesianGrid, Legend, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import type { Stats } from "../api/client";
import { usePreferences } from "../preferences";
import { outcomeColor, stackedOutcomes } from "../theme";
import { ScrollTable } from "../ui/ScrollTable";
import { Figure } from "./Figure";

/** OutcomesChart shows the outcomes of the sends over time. */
export function OutcomesChart({ stats }: { stats: Stats }) {
  const { t, i18n } = useTranslation();
  const { dark } = usePreferences();
  const days = stats.bucket_seconds >= 86_400;
  const form = new Intl.DateTimeFormat(
    i18n.language,
    days
      ? { month: "short", day: "numeric", timeZone: "UTC" }
      : { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  );
  const short = stats.bucket_seconds * stats.series.length <= 2 * 86_400;
  const tick = short
    ? new Intl.DateTimeFormat(i18n.language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" })
    : new Intl.DateTimeFormat(i18n.language, { month: "short", day: "numeric", ...(days ? { timeZone: "UTC" } : {}) });
  const rows = stats.series.map(({ at, counts }) => ({ ...counts, at, name: form.format(new Date(at)) }));
  const peak = rows.reduce((most, row) => (row.sends > most.sends ? row : most), rows[0] ?? { sends: 0, name: "" });
  const ink = dark ? "#b8c1c9" : "#4a5560";
  return (
    <Figure
      title={t("overview.overTime")}
      summary={t("overview.overTimeMeans", { count: stats.totals.sends, peak: peak.sends, at: peak.name })}
      table={
        <ScrollTable
          label={t("overview.overTime")}
          rowKey="at"
          dataSource={rows.filter((row) => row.sends > 0)}
          pagination={{ pageSize: 12, hideOnSinglePage: true, showSizeChanger: false }}
          columns={[
            { title: t("overview.time"), dataIndex: "name", rowScope: "row" },
            { title: t("overview.sends"), dataIndex: "sends", align: "right" },
            ...stackedOutcomes.map((outcome) => ({
              title: t(`outcome.${outcome}`),
              dataIndex: outcome,
              align: "right" as const,
            })),
          ]}
        />
      }
    >
      <ResponsiveContainer width="100%" height={260}>
        <BarChart data={rows} accessibilityLayer={false} margin={{ top: 8, right: 4, bottom: 0, left: 0 }}>
          <CartesianGrid vertical={false} stroke={dark ? "#2a3237" : "#e3e7ea"} />
          <XAxis
            dataKey="at"
            tickFormatter={(at: string) => tick.format(new Date(at))}
            minTickGap={40}
            tick={{ fill: ink, fontSize: 12 }}
            stroke={ink}
          />
          <YAxis allowDecimals={false} width={44} tick={{ fill: ink, fontSize: 12 }} stroke={ink} />
          <Tooltip
            cursor={{ fill: dark ? "#ffffff14" : "#0000000a" }}
            contentStyle={{
              background: dark ? "#1d2327" : "#ffffff",
              borderColor: dark ? "#2a3237" : "#d5dade",
              borderRadius: 8,
            }}
            labelFormatter={(at) => form.format(new Date(String(at)))}
          />
          <Legend itemSorter={null} formatter={(value) => <span style={{ color: ink }}>{value}</span>} />
          {stackedOutcomes.map((outcome) => (
            <Bar
              key={outcome}
              dataKey={outcome}
              stackId="sends"
              name={t(`outcome.${outcome}`)}
              fill={outcomeColor(dark, outcome)}
              isAnimationActive={false}
            />
          ))}
        </BarChart>
      </ResponsiveContainer>
    </Figure>
  );
}
