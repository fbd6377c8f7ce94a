import { type MouseEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useHref, useNavigate } from "react-router";
import {
  Bar,
  BarChart,
  CartesianGrid,
  type MouseHandlerDataParam,
  ReferenceArea,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import type { Stats } from "../api/client";
import { usePreferences } from "../preferences";
import { tick } from "../ui/time";
import type { Bounds } from "./range";
import { useSendsLink } from "./scope";
import { heightOf, type Part, type Row, type View } from "./series";
import { rateOf } from "./shares";
import { useNumbers } from "./useNumbers";

interface Props {
  view: View;
  stats: Stats;
  onZoom: (bounds: Bounds) => void;
}

const axisWidth = 48;
const margin = { top: 8, right: 4, bottom: 0, left: 0 };

/** StackedBars draws a view. A click opens the sends of a bar, or of a part of it; a drag zooms into a range. */
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
  const pointer = usePointer(rows, onZoom);
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
        return active && row && !pointer.selection ? <Breakdown view={view} row={row} /> : null;
      }}
    />
  );
  return (
    <div className="bars">
      <ResponsiveContainer width="100%" height={isRate ? 210 : 270}>
        <BarChart data={data} accessibilityLayer={false} margin={margin} syncId="overview" {...pointer.handlers}>
          <CartesianGrid vertical={false} stroke={line} />
          {!isRate && times}
          {isRate && <XAxis dataKey="at" hide />}
          <YAxis
            allowDecimals={isRate}
            width={axisWidth}
            tick={text}
            stroke={ink}
            tickFormatter={isRate ? percent : count}
            domain={isRate ? [0, (most: number) => Math.min(Math.max(most, 0.05), 1)] : [0, "auto"]}
          />
          {overlay}
          {parts.map((part) => (
            <Bar
              key={part.key}
              dataKey={`values.${part.key}`}
              stackId="bar"
              fill={part.color}
              isAnimationActive={false}
              onClick={() => pointer.pick(part)}
            />
          ))}
          {parts.length === 0 && <Bar dataKey="fallbacks" isAnimationActive={false} />}
          {pointer.selection && (
            <ReferenceArea x1={pointer.selection.first} x2={pointer.selection.last} fill={ink} fillOpacity={0.15} />
          )}
        </BarChart>
      </ResponsiveContainer>
      {isRate && (
        <>
          <small className="bars-sends">{t("overview.sends")}</small>
          <ResponsiveContainer width="100%" height={78}>
            <BarChart data={data} accessibilityLayer={false} margin={margin} syncId="overview" {...pointer.handlers}>
              {times}
              <YAxis
                allowDecimals={false}
                width={axisWidth}
                tick={text}
                stroke={ink}
                tickCount={2}
                tickFormatter={count}
              />
              <Tooltip content={() => null} cursor={{ fill: dark ? "#ffffff14" : "#0000000a" }} />
              <Bar dataKey="sends" fill={dark ? "#4a545c" : "#aab4bc"} isAnimationActive={false} />
            </BarChart>
          </ResponsiveContainer>
        </>
      )}
    </div>
  );
}

/** usePointer handles the mouse and the finger. On a touch screen the first tap shows the numbers, and the second opens the sends. */
function usePointer(rows: Row[], onZoom: Props["onZoom"]) {
  const link = useSendsLink();
  const navigate = useNavigate();
  const home = useHref("/");
  const [drag, setDrag] = useState<{ from: number; to: number }>();
  const part = useRef<Part>(undefined); // the part of the bar that the click has hit
  const tapped = useRef<number>(undefined);
  const hasZoomed = useRef(false);
  const indexOf = ({ activeTooltipIndex }: MouseHandlerDataParam) =>
    activeTooltipIndex === undefined || activeTooltipIndex === null ? -1 : Number(activeTooltipIndex);
  const open = (row: Row, event: MouseEvent) => {
    const to = link({ ...part.current?.filter, ...row.bounds });
    if (event.ctrlKey || event.metaKey) {
      window.open(home.replace(/\/$/, "") + to);
    } else {
      navigate(to);
    }
  };
  const [first, last] = drag ? [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)] : [0, 0];
  return {
    selection: first === last ? undefined : { first: rows[first]?.at, last: rows[last]?.at },
    pick: (picked: Part) => {
      part.current = picked;
    },
    handlers: {
      onMouseDown: (at: MouseHandlerDataParam) => {
        hasZoomed.current = false;
        part.current = undefined;
        const index = indexOf(at);
        setDrag(index < 0 ? undefined : { from: index, to: index });
      },
      onMouseMove: (at: MouseHandlerDataParam) => {
        const index = indexOf(at);
        if (drag && index >= 0 && index !== drag.to) {
          setDrag({ ...drag, to: index });
        }
      },
      onMouseUp: () => {
        const [begin, end] = [rows[first], rows[last]];
        setDrag(undefined);
        if (first !== last && begin && end) {
          hasZoomed.current = true;
          onZoom({ from: begin.bounds.from, until: end.bounds.until });
        }
      },
      onMouseLeave: () => setDrag(undefined),
      onClick: (at: MouseHandlerDataParam, event: MouseEvent) => {
        const index = indexOf(at);
        const row = rows[index];
        if (!row || row.sends === 0 || hasZoomed.current) {
          return;
        }
        const isTouch = (event.nativeEvent as PointerEvent).pointerType === "touch";
        if (isTouch && tapped.current !== index) {
          tapped.current = index;
          return;
        }
        open(row, event);
      },
    },
  };
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
