// The rows of the tables of rates.
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { RuleType, Schemas, Stats, StatsCounts } from "../api/client";
import { countryName } from "../rules/countries";
import { RateTable } from "./RateTable";
import { countryFilter, policyFilter, useSendsLink } from "./scope";
import { useNumbers } from "./useNumbers";

interface Props {
  stats: Stats;
  previous: Stats | undefined;
}

const ratioOf = (counts: StatsCounts | undefined) => counts && { part: counts.fallbacks, whole: counts.sends };

export function ByPolicy({ stats, previous }: Props) {
  const { t } = useTranslation();
  const link = useSendsLink();
  const before = new Map(previous?.by_policy.map((row) => [row.id, row.counts]));
  return (
    <RateTable
      label={t("overview.byPolicy")}
      of={t("sends.policy")}
      whole={t("overview.sends")}
      part={t("overview.fallbacks")}
      rate={t("overview.fallbackRate")}
      rates={stats.by_policy.map(({ id, name, counts }) => ({
        key: id ?? "",
        name: name ?? t("sends.ownRules"),
        to: link(policyFilter(id)),
        wholeTo: link(policyFilter(id)),
        partTo: link({ ...policyFilter(id), fell_back: "true" }),
        part: counts.fallbacks,
        whole: counts.sends,
        before: ratioOf(before.get(id)),
      }))}
    />
  );
}

export function ByCountry({ stats, previous }: Props) {
  const { t, i18n } = useTranslation();
  const link = useSendsLink();
  const before = new Map(previous?.by_country.map((row) => [row.country, row.counts]));
  return (
    <RateTable
      label={t("overview.byCountry")}
      of={t("sends.country")}
      whole={t("overview.sends")}
      part={t("overview.fallbacks")}
      rate={t("overview.fallbackRate")}
      rates={stats.by_country.map(({ country, counts }) => ({
        key: countryFilter(country),
        name: country ? countryName(country, i18n.language) : t("overview.noCountry"),
        to: link({ country: countryFilter(country) }),
        wholeTo: link({ country: countryFilter(country) }),
        partTo: link({ country: countryFilter(country), fell_back: "true" }),
        part: counts.fallbacks,
        whole: counts.sends,
        before: ratioOf(before.get(country)),
      }))}
    />
  );
}

/** ByRule counts the sends whose plan includes a rule, and those in which it was the last to fire. Only the latter have a list. */
export function ByRule({ stats, previous }: Props) {
  const { t } = useTranslation();
  const link = useSendsLink();
  const keyOf = ({ type, name }: Schemas["StatsOfRule"]) => `${type} ${name}`;
  const before = new Map(previous?.by_rule.map((row) => [keyOf(row), { part: row.fallbacks, whole: row.sends }]));
  return (
    <RateTable
      label={t("overview.byRule")}
      of={t("rules.one")}
      whole={t("overview.inPlan")}
      part={t("overview.lastFired")}
      rate={t("overview.rate")}
      rates={stats.by_rule.map((row) => {
        const to = link({ rule: row.name, rule_type: row.type });
        return {
          key: keyOf(row),
          name: row.name,
          to,
          wholeTo: undefined,
          partTo: to,
          part: row.fallbacks,
          whole: row.sends,
          before: before.get(keyOf(row)),
        };
      })}
    />
  );
}

const missedReason: Record<RuleType, Schemas["FallbackReason"]> = {
  send_failed: "not_sent",
  undelivered: "not_delivered",
  unread: "not_read",
};

/** ByType counts how often the condition of a type was missed. A rule that fires on a failure has missed nothing. */
export function ByType({ stats, previous }: Props) {
  const { t } = useTranslation();
  const link = useSendsLink();
  const { count } = useNumbers();
  const before = new Map(previous?.by_type.map((row) => [row.type, { part: row.missed, whole: row.sends }]));
  return (
    <>
      <RateTable
        label={t("overview.byType")}
        of={t("overview.condition")}
        whole={t("overview.inPlan")}
        part={t("overview.missed")}
        rate={t("overview.rate")}
        more={t("overview.lastFired")}
        rates={stats.by_type.map(({ type, sends, fallbacks, missed }) => {
          const to = link({ reason: missedReason[type], fell_back: "true" });
          return {
            key: type,
            name: t(`overview.conditions.${type}`),
            to,
            wholeTo: undefined,
            partTo: to,
            part: missed,
            whole: sends,
            before: before.get(type),
            more: fallbacks > 0 ? <Link to={link({ rule_type: type })}>{count(fallbacks)}</Link> : count(fallbacks),
          };
        })}
      />
      <p className="hint">{t("overview.missedMeans")}</p>
    </>
  );
}

/** ByReason shares all fallbacks among their reasons. */
export function ByReason({ stats, previous }: Props) {
  const { t } = useTranslation();
  const link = useSendsLink();
  const before = new Map(previous?.by_reason.map((row) => [row.reason, row.fallbacks]));
  return (
    <RateTable
      label={t("overview.byReason")}
      of={t("overview.reason")}
      whole={t("overview.allFallbacks")}
      part={t("overview.fallbacks")}
      rate={t("overview.share")}
      rates={stats.by_reason
        .filter((row) => row.fallbacks > 0)
        .map(({ reason, fallbacks }) => {
          const to = link({ reason, fell_back: "true" });
          return {
            key: reason,
            name: t(`overview.reasons.${reason}`),
            to,
            wholeTo: link({ fell_back: "true" }),
            partTo: to,
            part: fallbacks,
            whole: stats.totals.fallbacks,
            before: previous && { part: before.get(reason) ?? 0, whole: previous.totals.fallbacks },
          };
        })}
    />
  );
}
