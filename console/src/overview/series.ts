// The rows of the charts over time.
import type { TFunction } from "i18next";
import type { Outcome, Schemas, Stats } from "../api/client";
import type { FilterValues } from "../sends/filter";
import { outcomeColor, stackedOutcomes } from "../theme";
import { bucket } from "../ui/time";
import { type Bounds, bucketBounds, rangeName } from "./range";
import { certainRate } from "./shares";

type Reason = Schemas["FallbackReason"];

/** Part is one colour of the stacked bars. */
export interface Part {
  key: Outcome | Reason;
  name: string;
  color: string;
  filter: Partial<FilterValues>; // of the sends that it counts
  total: number;
}

/** Row has the counts of a bucket of time. */
export interface Row {
  at: string;
  name: string; // the time, with its zone
  bounds: Bounds;
  sends: number;
  fallbacks: number;
  counts: Partial<Record<Part["key"], number>>;
}

/** View is one way to draw the statistics over time: the rates of the reasons, or the numbers of the outcomes. */
export interface View {
  isRate: boolean;
  parts: Part[]; // from the foot of a bar to its top
  rows: Row[];
}

/** The colours of the reasons, in the order of stacked bars. Neighbours differ in lightness too. */
const reasonColors: Record<Reason, { light: string; dark: string }> = {
  failed: { light: "#b42318", dark: "#ff8f86" },
  not_sent: { light: "#b39ddb", dark: "#8064bd" },
  not_delivered: { light: "#8a5300", dark: "#f2c879" },
  not_read: { light: "#5aa9f0", dark: "#3f83c8" },
  too_late: { light: "#3d4852", dark: "#c6ced5" },
};

const reasons = Object.keys(reasonColors) as Reason[];

function bucketName(bounds: Bounds, length: number, language: string): string {
  const isDay = length >= 86_400; // of UTC
  return isDay ? bucket(bounds.from, length, language) : rangeName(bounds, language);
}

function rowsOf(stats: Stats, language: string, countsOf: (bucket: Schemas["StatsBucket"]) => Row["counts"]): Row[] {
  return stats.series.map((item) => {
    const bounds = bucketBounds(item.at, stats.bucket_seconds, stats);
    return {
      at: item.at,
      name: bucketName(bounds, stats.bucket_seconds, language),
      bounds,
      sends: item.counts.sends,
      fallbacks: item.counts.fallbacks,
      counts: countsOf(item),
    };
  });
}

/** rateView shows the fallback rate by its reasons. */
export function rateView(stats: Stats, dark: boolean, t: TFunction, language: string): View {
  const totals = new Map(stats.by_reason.map((row) => [row.reason, row.fallbacks]));
  return {
    isRate: true,
    parts: reasons
      .map((key) => ({
        key,
        name: t(`overview.reasons.${key}`),
        color: reasonColors[key][dark ? "dark" : "light"],
        filter: { fell_back: "true", reason: key },
        total: totals.get(key) ?? 0,
      }))
      .filter((part) => part.total > 0),
    rows: rowsOf(stats, language, ({ by_reason }) =>
      Object.fromEntries(by_reason.map(({ reason, fallbacks }) => [reason, fallbacks])),
    ),
  };
}

/** outcomesView shows the numbers of sends by their outcomes. */
export function outcomesView(stats: Stats, dark: boolean, t: TFunction, language: string): View {
  return {
    isRate: false,
    parts: stackedOutcomes.map((key) => ({
      key,
      name: t(`outcome.${key}`),
      color: outcomeColor(dark, key),
      filter: { outcome: key },
      total: stats.totals[key],
    })),
    rows: rowsOf(stats, language, ({ counts }) => Object.fromEntries(stackedOutcomes.map((key) => [key, counts[key]]))),
  };
}

/** heightOf returns the height of a part of a bar. A rate without sends does not exist: the bar is a gap. */
export function heightOf({ isRate }: View, row: Row, part: Part): number | undefined {
  const count = row.counts[part.key] ?? 0;
  if (!isRate) {
    return count;
  }
  return row.sends > 0 ? count / row.sends : undefined;
}

/** peakOf returns the row that stands out: with the most sends, or with the highest rate that is no accident of few sends. */
export function peakOf({ isRate, rows }: View): Row | undefined {
  const weight = (row: Row) => (isRate ? certainRate(row.fallbacks, row.sends) : row.sends);
  return rows.reduce<Row | undefined>((peak, row) => (!peak || weight(row) > weight(peak) ? row : peak), undefined);
}
