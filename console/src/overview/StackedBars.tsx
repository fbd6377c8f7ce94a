import { useTranslation } from "react-i18next";
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import type { Stats } from "../api/client";
import { usePreferences } from "../preferences";
import { tick } from "../ui/time";
import { PointerArea, partClass, plot } from "./PointerArea";
import type { Bounds } from "./range";
import { heightOf, type Row, type View } from "./series";
import { rateOf } from "./shares";
import { useNumbers } from "./useNumbers";

interface Props {
  view: View;
  stats: Stats;
  onZoom: (bounds: Bounds) => void;
}

const lowestTop = 0.05; // of the axis of rates: a bar of 1 % does not look like much
const widest = 80; // px, of a bar
const margin = { top: 8, right: plot.right, bottom: 0, left: 0 };

/** StackedBars draws a view. */
export function StackedBars({ view, stats, onZoom }: Props) {
  const { t, i18n } = useTranslation();
  const { dark } = usePreferences();
  const { count, tick: percent } = useNumbers();
  const { rows, parts, isRate } = view;
  const data = rows.map((row) => ({
    ...row,
    values: Object.fromEntries(parts.map((part) => [part.key, heightOf(view, row, part)])),
  }));
  const { bucket_seconds: length } = stats;
  const highest = Math.max(...rows.map((row) => rateOf(row.fallbacks, row.sends) ?? 0));
  const ink = dark ? "#b8c1c9" : "#4a5560";
  const line = dark ? "#2a3237" : "#e3e7ea";
  const text = { fill: ink, fontSize: 12 };
  const times = (
    <XAxis
      dataKey="at"
      tickFormatter={(at: string) => tick(at, length, length * rows.length, i18n.language)}
      minTickGap={40}
      tick={text}
      stroke={ink}
    />
  );
  const overlay = (
    <Tooltip
      cursor={{ fill: dark ? "#ffffff14" : "#0000000a" }}
      isAnimationActive={false}
      content={({ active, payload }) => {
        const row = payload?.[0]?.payload as Row | undefined;
        return active && row ? <Breakdown view={view} row={row} /> : null;
      }}
    />
  );
  return (
    <PointerArea view={view} onZoom={onZoom}>
      <ResponsiveContainer width="100%" height={isRate ? 210 : 270}>
        <BarChart data={data} accessibilityLayer={false} margin={margin} syncId="overview">
          <CartesianGrid vertical={false} stroke={line} />
          {!isRate && times}
          {isRate && <XAxis dataKey="at" hide />}
          <YAxis
            allowDecimals={isRate}
            width={plot.left}
            tick={text}
            stroke={ink}
            tickFormatter={isRate ? percent : count}
            domain={[0, isRate && highest < lowestTop ? lowestTop : "auto"]}
          />
          {overlay}
          {parts.map((part) => (
            <Bar
              key={part.key}
              dataKey={`values.${part.key}`}
              stackId="bar"
              maxBarSize={widest}
              fill={part.color}
              isAnimationActive={false}
              className={partClass(part)}
            />
          ))}
          {parts.length === 0 && <Bar dataKey="fallbacks" isAnimationActive={false} />}
        </BarChart>
      </ResponsiveContainer>
      {isRate && (
        <>
          <small className="bars-sends">{t("overview.sends")}</small>
          <ResponsiveContainer width="100%" height={78}>
            <BarChart data={data} accessibilityLayer={false} margin={margin} syncId="overview">
              {times}
              <YAxis
                allowDecimals={false}
                width={plot.left}
                tick={text}
                stroke={ink}
                tickCount={2}
                tickFormatter={count}
              />
              <Tooltip content={() => null} cursor={{ fill: dark ? "#ffffff14" : "#0000000a" }} />
              <Bar maxBarSize={widest} dataKey="sends" fill={dark ? "#4a545c" : "#aab4bc"} isAnimationActive={false} />
            </BarChart>
          </ResponsiveContainer>
        </>
      )}
    </PointerArea>
  );
}

/** Breakdown is the tooltip of a bar: its parts from the top of the bar to its foot, and the totals. */
function Breakdown({ view, row }: { view: View; row: Row }) {
  const { t } = useTranslation();
  const { count, rate } = useNumbers();
  const numbers = (n: number) => (
    <>
      <span className="breakdown-count">{count(n)}</span>
      <span className="breakdown-rate">{rate(rateOf(n, row.sends))}</span>
    </>
  );
  return (
    <div className="breakdown">
      <strong>{row.name}</strong>
      <ul>
        {view.parts.toReversed().map((part) => (
          <li key={part.key}>
            <span className="breakdown-key" style={{ backgroundColor: part.color }} />
            <span className="grow">{part.name}</span> {numbers(row.counts[part.key] ?? 0)}
          </li>
        ))}
        {view.isRate && (
          <li className="breakdown-total">
            <span className="grow">{t("overview.fallbacks")}</span> {numbers(row.fallbacks)}
          </li>
        )}
        <li className="breakdown-total">
          <span className="grow">{t("overview.sends")}</span>
          <span className="breakdown-count">{count(row.sends)}</span>
          <span className="breakdown-rate" />
        </li>
      </ul>
    </div>
  );
}
