import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import type { Stats } from "../api/client";
import { errorCodesQuery, previousStatsQuery, statsQuery } from "../api/queries";
import { OutageNotice, useOutage } from "../ui/outage";
import { PageHeader } from "../ui/PageHeader";
import { ProblemAlert } from "../ui/ProblemView";
import { DataSkeleton } from "../ui/Skeleton";
import { useFilters } from "../ui/useFilters";
import { lazyLater } from "../useFirstData";
import { Headline } from "./Headline";
import { RangeChoice } from "./RangeChoice";
import { type Bounds, type ChosenRange, isMoving, isRange, type OwnRange, type Range } from "./range";
import { ScopeProvider } from "./scope";
import { Tiles } from "./Tiles";

// The libraries of charts and tables are large: the numbers come first.
const PolicySelect = lazyLater(() => import("../sends/PolicySelect").then((file) => ({ default: file.PolicySelect })));
const Changes = lazy(() => import("./Changes"));
const OverTime = lazy(() => import("./OverTime"));
const Details = lazy(() => import("./Details"));
const Nothing = lazy(() => import("./Nothing"));

export default function OverviewPage() {
  const { t } = useTranslation();
  const { values, set } = useFilters("range", "from", "until", "policy");
  const own: OwnRange | undefined = values.from
    ? { from: values.from, ...(values.until ? { until: values.until } : {}) }
    : undefined;
  const range: Range = isRange(values.range) ? values.range : "day";
  const setOwn = (next: OwnRange | undefined) => set({ range: "", from: next?.from ?? "", until: next?.until ?? "" });
  const chosen = own ?? range;
  const policy = values.policy || undefined;
  const stats = useQuery(statsQuery(chosen, policy));
  const outage = useOutage(stats);
  const isLoaded = stats.data !== undefined && !stats.isPlaceholderData;
  const zoom = (part: Bounds) => {
    const isToTheEnd = isMoving(chosen) && Date.parse(part.until) === Date.parse(stats.data?.until ?? "");
    setOwn(isToTheEnd ? { from: part.from } : part);
  };
  return (
    <>
      <PageHeader title={t("overview.title")} about={t("overview.about")} />
      <div className="toolbar">
        <RangeChoice
          range={range}
          own={own}
          onChange={(value) => set({ range: value === "day" ? "" : value, from: "", until: "" })}
          onOwn={setOwn}
        />
        <Suspense fallback={<span className="filter" />}>
          <PolicySelect
            value={policy}
            onChange={(next) => set({ policy: next ?? "" })}
            label={t("overview.allPolicies")}
          />
        </Suspense>
      </div>
      {outage && !isLoaded && <ProblemAlert error={outage.error} retry={outage.retry} />}
      {outage && isLoaded && <OutageNotice outage={outage} />}
      {!outage && !stats.data && <DataSkeleton />}
      {stats.data && (!outage || isLoaded) && (
        <div className={outage ? "outdated" : isLoaded ? "" : "former"} inert={!isLoaded && !outage}>
          {stats.data.totals.sends === 0 ? (
            <Suspense>
              <Nothing />
            </Suspense>
          ) : (
            <Report stats={stats.data} chosen={chosen} policy={policy} isLoaded={isLoaded} onZoom={zoom} />
          )}
        </div>
      )}
    </>
  );
}

interface ReportProps {
  stats: Stats;
  chosen: ChosenRange;
  policy: string | undefined;
  isLoaded: boolean; // else the statistics are those of an earlier choice
  onZoom: (bounds: Bounds) => void;
}

function Report({ stats, chosen, policy, isLoaded, onZoom }: ReportProps) {
  const before = useQuery({ ...previousStatsQuery(chosen, policy), enabled: isLoaded });
  useQuery(errorCodesQuery); // loads while the files of the tables load, which show what the codes mean
  const hasPrevious = isLoaded && !before.isPlaceholderData && before.data && before.data.totals.sends > 0;
  const previous = hasPrevious ? before.data : undefined; // "What changed" says that there is nothing to compare with
  return (
    <ScopeProvider
      value={{
        from: stats.from,
        until: stats.until,
        policy: policy ?? "",
        ...(stats.totals.scheduled > 0 && { scheduled: "false" }),
      }}
    >
      <Headline stats={stats} previous={previous} />
      <Tiles stats={stats} previous={previous} />
      <Suspense fallback={<Loading />}>
        <Changes chosen={chosen} policy={policy} />
      </Suspense>
      <Suspense fallback={<Loading />}>
        <OverTime stats={stats} onZoom={onZoom} />
      </Suspense>
      <Suspense fallback={<Loading />}>
        <Details stats={stats} previous={previous} chosen={chosen} policy={policy} />
      </Suspense>
    </ScopeProvider>
  );
}

function Loading() {
  return <div className="shape-panel shape-large" />;
}
