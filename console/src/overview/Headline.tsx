import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Outcome, Stats } from "../api/client";
import { usePreferences } from "../preferences";
import { outcomeColor } from "../theme";
import { Change } from "./Change";
import { rangeName } from "./range";
import { useSendsLink } from "./scope";
import { rateOf, sharesOf, type Verdict } from "./shares";
import { useNumbers } from "./useNumbers";

/**
 * The parts of the bar: each outcome is in one of them. The first outcome of a part gives the colour. A part of the caller is not
 * listed if it is empty, because many services neither cancel nor confirm.
 */
const parts = [
  { name: "whatsapp", outcomes: ["whatsapp"], rise: "better" },
  { name: "confirmed", outcomes: ["confirmed"], rise: "better", isOfCaller: true },
  { name: "sms", outcomes: ["sms"], rise: "neutral" },
  { name: "unconfirmed", outcomes: ["unconfirmed"], rise: "worse" },
  { name: "unreached", outcomes: ["failed", "expired"], rise: "worse" },
  { name: "cancelled", outcomes: ["cancelled"], rise: "neutral", isOfCaller: true },
  { name: "open", outcomes: ["pending"], rise: "neutral" },
] as const satisfies { name: string; outcomes: Outcome[]; rise: Verdict; isOfCaller?: true }[];

/** Headline shows what became of all sends, in one bar. Its legend has the same links for the keyboard. */
export function Headline({ stats, previous }: { stats: Stats; previous: Stats | undefined }) {
  const { t, i18n } = useTranslation();
  const { totals } = stats;
  const { dark } = usePreferences();
  const link = useSendsLink();
  const { count, tenths } = useNumbers();
  const countOf = (outcomes: readonly Outcome[], all: Stats["totals"]) =>
    outcomes.reduce((sum, outcome) => sum + all[outcome], 0);
  const counts = parts.map(({ outcomes }) => countOf(outcomes, totals));
  const shares = sharesOf(counts);
  const all = parts.map(({ name, outcomes, rise, ...part }, index) => ({
    name,
    rise,
    isOfCaller: "isOfCaller" in part,
    before: previous && rateOf(countOf(outcomes, previous.totals), previous.totals.sends),
    color: outcomeColor(dark, outcomes[0]),
    to: link({ outcome: outcomes.join(",") }),
    count: counts[index] ?? 0,
    share: tenths(shares[index] ?? 0),
  }));
  const rows = all.filter(({ isOfCaller, count: n, before }) => !isOfCaller || n > 0 || (before ?? 0) > 0);
  return (
    <section className="headline" aria-label={t("overview.headline")}>
      <p className="headline-sends">
        <Link to={link()}>
          <strong>{count(totals.sends)}</strong> {t("overview.accepted", { count: totals.sends })}
        </Link>{" "}
        {previous && (
          <Change
            now={totals.sends}
            before={previous.totals.sends}
            unit="percent"
            rise="neutral"
            texts={{ now: count(totals.sends), before: count(previous.totals.sends) }}
          />
        )}
        {totals.scheduled > 0 && (
          <small>
            <Link to={link({ scheduled: "true" })}>
              {t("overview.moreScheduled", { count: totals.scheduled, written: count(totals.scheduled) })}
            </Link>
          </small>
        )}
        <small className="headline-range">
          {rangeName(stats, i18n.language)}
          {previous && ` · ${t("overview.compared")}`}
        </small>
      </p>
      <div className="headline-bar" aria-hidden="true">
        {rows
          .filter((row) => row.count > 0)
          .map((row) => (
            <Link
              key={row.name}
              to={row.to}
              tabIndex={-1}
              title={`${t(`overview.reached.${row.name}`)}: ${count(row.count)}, ${row.share}`}
              style={{ flexGrow: row.count, backgroundColor: row.color }}
            />
          ))}
      </div>
      <ul className="headline-legend">
        {rows.map((row) => (
          <li key={row.name} className={row.count === 0 ? "none" : ""}>
            <span className="swatch" style={{ backgroundColor: row.color }} />
            <Link to={row.to}>
              <span className="headline-name">{t(`overview.reached.${row.name}`)}</span> <strong>{row.share}</strong>{" "}
              <small>{count(row.count)}</small>
            </Link>
            {previous && (row.count > 0 || row.before !== 0) && (
              <Change now={rateOf(row.count, totals.sends)} before={row.before} unit="points" rise={row.rise} />
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
