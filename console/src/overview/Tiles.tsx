import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Stats } from "../api/client";
import { Change } from "./Change";
import { useSendsLink } from "./scope";
import { rateOf, type Verdict } from "./shares";
import { useNumbers } from "./useNumbers";

interface Tile {
  key: string;
  label: string;
  to: string;
  note: ReactNode;
  now: number | undefined;
  before: number | undefined;
  write: (value: number | undefined) => string;
  unit: "points" | "percent";
  rise: Verdict;
}

/** Tiles shows the numbers to watch, each with its change since the range before. */
export function Tiles({ stats, previous }: { stats: Stats; previous: Stats | undefined }) {
  return (
    <dl className="tiles">
      {useTiles(stats, previous).map(({ key, label, to, note, now, before, write, unit, rise }) => (
        <div key={key} className="tile">
          <dt>{label}</dt>
          <dd>
            <Link to={to} className="tile-number">
              {write(now)}
            </Link>
            {previous && (
              <Change
                now={now}
                before={before}
                unit={unit}
                rise={rise}
                texts={{ now: write(now), before: write(before) }}
              />
            )}
            <small>{note}</small>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function useTiles(stats: Stats, previous: Stats | undefined): Tile[] {
  const { t } = useTranslation();
  const link = useSendsLink();
  const { count, rate, seconds } = useNumbers();
  const { totals, time_to_delivery: times } = stats;
  const before = previous?.totals;
  const p50 = times.all.p50;
  return [
    {
      key: "rate",
      label: t("overview.fallbackRate"),
      to: link({ fell_back: "true" }),
      note: t("overview.fallbackCount", { count: totals.fallbacks, written: count(totals.fallbacks) }),
      now: rateOf(totals.fallbacks, totals.sends),
      before: before && rateOf(before.fallbacks, before.sends),
      write: rate,
      unit: "points",
      rise: "worse",
    },
    {
      key: "duplicates",
      label: t("overview.duplicates"),
      to: link({ duplicate: "true" }),
      note:
        totals.duplicate_share === undefined
          ? t("overview.duplicatesMean")
          : t("overview.duplicateShare", { share: rate(totals.duplicate_share) }),
      now: totals.duplicates,
      before: before?.duplicates,
      write: count,
      unit: "percent",
      rise: "worse",
    },
    {
      key: "time",
      label: t("overview.p95"),
      to: link({ outcome: "whatsapp,sms" }),
      note: p50 === undefined ? t("overview.noTimes") : t("overview.p50", { time: seconds(p50) }),
      now: times.all.p95,
      before: previous?.time_to_delivery.all.p95,
      write: seconds,
      unit: "percent",
      rise: "worse",
    },
    {
      key: "averted",
      label: t("overview.averted"),
      to: link({ averted: "true" }),
      note: t("overview.avertedMeans"),
      now: totals.averted,
      before: before?.averted,
      write: count,
      unit: "percent",
      rise: "better",
    },
  ];
}
