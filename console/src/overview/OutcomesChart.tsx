import { useTranslation } from "react-i18next";
import { Bar, BarChart, CartesianGrid, Legend, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import type { Stats, StatsCounts } from "../api/client";
import { usePreferences } from "../preferences";
import { outcomeColor, stackedOutcomes } from "../theme";
import { ScrollTable } from "../ui/ScrollTable";
import { bucket, tick } from "../ui/time";
import { Figure } from "./Figure";

type Row = StatsCounts & { at: string; name: string };

/** OutcomesChart shows the outcomes of the sends over time. */
export function OutcomesChart({ stats }: { stats: Stats }) {
  const { t, i18n } = useTranslation();
  const { dark } = usePreferences();
  const { bucket_seconds: length, series } = stats;
  const rows = series.map(({ at, counts }) => ({ ...counts, at, name: bucket(at, length, i18n.language) }));
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
            tickFormatter={(at: string) => tick(at, length, length * series.length, i18n.language)}
            minTickGap={40}
            tick={{ fill: ink, fontSize: 12 }}
            stroke={ink}
          />
          <YAxis allowDecimals={false} width={44} tick={{ fill: ink, fontSize: 12 }} stroke={ink} />
          <Tooltip
            cursor={{ fill: dark ? "#ffffff14" : "#0000000a" }}
            isAnimationActive={false}
            content={({ active, payload }) => {
              const row = payload?.[0]?.payload as Row | undefined;
              return active && row ? <Breakdown row={row} /> : null;
            }}
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

/** Breakdown is the tooltip of a bar: its parts from the top of the bar to its foot, and the total. */
function Breakdown({ row }: { row: Row }) {
  const { t, i18n } = useTranslation();
  const { dark } = usePreferences();
  const number = new Intl.NumberFormat(i18n.language);
  return (
    <div className="breakdown">
      <strong>{row.name}</strong>
      <ul>
        {stackedOutcomes.toReversed().map((outcome) => (
          <li key={outcome}>
            <span className="breakdown-key" style={{ backgroundColor: outcomeColor(dark, outcome) }} />
            <span className="grow">{t(`outcome.${outcome}`)}</span> {number.format(row[outcome])}
          </li>
        ))}
        <li className="breakdown-total">
          <span className="grow">{t("overview.sends")}</span> {number.format(row.sends)}
        </li>
      </ul>
    </div>
  );
}
