// The charts over time. This file loads the library of charts, so the page loads it after its numbers.
import { Button, Card, Segmented } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Stats } from "../api/client";
import { usePreferences } from "../preferences";
import { useParam } from "../ui/useFilters";
import type { Bounds } from "./range";
import { SeriesTable } from "./SeriesTable";
import { StackedBars } from "./StackedBars";
import { useSendsLink } from "./scope";
import { outcomesView, peakOf, rateView, type View } from "./series";
import { rateOf } from "./shares";
import { useNumbers } from "./useNumbers";

interface Props {
  stats: Stats;
  onZoom: (bounds: Bounds) => void; // into a part of the range
}

export default function OverTime({ stats, onZoom }: Props) {
  const { t, i18n } = useTranslation();
  const { dark } = usePreferences();
  const [shown, show] = useParam("chart");
  const [asTable, setAsTable] = useState(false);
  const about = useId();
  const isRate = shown !== "outcomes";
  const view = (isRate ? rateView : outcomesView)(stats, dark, t, i18n.language);
  const title = t(isRate ? "overview.rateOverTime" : "overview.overTime");
  return (
    <Card
      size="small"
      className="figure"
      title={<h2>{title}</h2>}
      extra={
        <div className="figure-choices">
          <Segmented
            size="small"
            aria-label={t("overview.chart")}
            value={isRate ? "rate" : "outcomes"}
            onChange={(value) => show(value === "rate" ? "" : value)}
            options={[
              { value: "rate", label: t("overview.fallbackRate") },
              { value: "outcomes", label: t("overview.outcomes") },
            ]}
          />
          <Button size="small" onClick={() => setAsTable(!asTable)}>
            {t(asTable ? "overview.asChart" : "overview.asTable")}
          </Button>
        </div>
      }
    >
      {asTable ? (
        <SeriesTable view={view} label={title} />
      ) : (
        <>
          <div role="img" aria-label={title} aria-describedby={about}>
            <StackedBars view={view} stats={stats} onZoom={onZoom} />
          </div>
          <Legend view={view} sends={stats.totals.sends} />
        </>
      )}
      <p id={about} className="hint">
        <Summary view={view} stats={stats} />
        {!asTable && ` ${t("overview.chartUse")}`}
      </p>
    </Card>
  );
}

/** Legend names the parts of the bars. Each opens the sends of the whole range. */
function Legend({ view, sends }: { view: View; sends: number }) {
  const link = useSendsLink();
  const { count, rate } = useNumbers();
  return (
    <ul className="legend">
      {view.parts.map(({ key, name, color, filter, total }) => (
        <li key={key}>
          <span className="swatch" style={{ backgroundColor: color }} />
          <Link to={link(filter)}>
            {name} <strong>{view.isRate ? rate(rateOf(total, sends)) : count(total)}</strong>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Summary({ view, stats: { totals } }: { view: View; stats: Stats }) {
  const { t } = useTranslation();
  const { count, rate } = useNumbers();
  const peak = peakOf(view);
  if (!peak) {
    return null;
  }
  if (!view.isRate) {
    return t("overview.overTimeMeans", {
      count: totals.sends,
      sends: count(totals.sends),
      peak: count(peak.sends),
      at: peak.name,
    });
  }
  if (totals.fallbacks === 0) {
    return t("overview.noFallbacks");
  }
  const words = { peak: rate(rateOf(peak.fallbacks, peak.sends)), sends: count(peak.sends), at: peak.name };
  const mayRise = totals.pending > 0 ? ` ${t("overview.mayRise", { count: totals.pending })}` : "";
  return t("overview.rateOverTimeMeans", words) + mayRise;
}
