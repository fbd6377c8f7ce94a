import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { SendSummary } from "../api/client";
import { policyQuery } from "../api/queries";
import { countryName } from "../rules/countries";
import type { FilterChip } from "../ui/FilterChips";
import { minute } from "../ui/time";
import type { FilterName } from "./filter";
import { isSendRange } from "./range";
import type { SendsFilter } from "./useSendsFilter";

/** noCountry is the country of numbers without one, as a filter. */
export const noCountry = "ZZ";

/** useFilterChips returns the active filters in words. The listed sends may name a policy that was deleted. */
export function useFilterChips({ values, remove }: SendsFilter, listed: SendSummary[]): FilterChip[] {
  const { t } = useTranslation();
  const word = useWords();
  const policy = usePolicyName(values.policy, listed);
  const chip = (names: FilterName[], name: string, value: string): FilterChip => ({
    key: names[0] ?? "",
    label: t("sends.filter.chip", { name, value }),
    onRemove: () => remove(...names),
  });
  const yesNo = (name: "scheduled" | "fell_back" | "averted" | "duplicate" | "own_rules") =>
    ({
      "": [],
      true: [{ ...chip([name], "", ""), label: t(`sends.filter.${name}.yes`) }],
      false: [{ ...chip([name], "", ""), label: t(`sends.filter.${name}.no`) }],
    })[values[name]] ?? one(name);
  const one = (name: Exclude<FilterName, "from" | "until" | "to_ends" | "policy" | "provider">) =>
    values[name] === "" ? [] : [chip([name], t(`sends.filter.names.${name}`), word(name, values[name]))];
  return [
    ...one("range"),
    ...(values.from || values.until
      ? [chip(["from", "until"], t("sends.accepted"), word("from", values.from, values.until))]
      : []),
    ...one("outcome"),
    ...(values.policy ? [chip(["policy"], t("sends.policy"), policy)] : []),
    ...one("to"),
    ...(values.to_ends
      ? [chip(["to_ends"], t("sends.to"), t("sends.filter.endsWith", { digits: values.to_ends }))]
      : []),
    ...yesNo("scheduled"),
    ...yesNo("fell_back"),
    ...one("reason"),
    ...one("rule"),
    ...one("rule_type"),
    ...one("country"),
    ...one("sender"),
    ...one("route"),
    ...one("sms_result"),
    ...(values.code || values.provider
      ? [
          chip(
            ["code", "provider"],
            t("sends.filter.names.code"),
            [values.code, values.provider].filter(Boolean).join(" · "),
          ),
        ]
      : []),
    ...one("correlation_id"),
    ...yesNo("own_rules"),
    ...yesNo("duplicate"),
    ...yesNo("averted"),
  ];
}

function usePolicyName(id: string, listed: SendSummary[]): string {
  const seen = listed.find((send) => send.policy_id === id)?.policy_name;
  const policy = useQuery({ ...policyQuery(id), enabled: id !== "" && !seen, retry: false });
  return seen ?? policy.data?.name ?? id;
}

/** useWords returns a function for the words of a value. A value that is not known stands for itself. */
function useWords() {
  const { t, i18n } = useTranslation();
  const language = i18n.language;
  const known = (key: string, value: string) => (i18n.exists(key) ? t(key as "sends.accepted") : value);
  const any = (values: string, prefix: string) =>
    new Intl.ListFormat(language, { type: "disjunction" }).format(
      values.split(",").map((value) => known(`${prefix}.${value}`, value)),
    );
  return (name: FilterName, value: string, until = ""): string => {
    switch (name) {
      case "range":
        return isSendRange(value) ? t(`sends.filter.ranges.${value}`) : value;
      case "from":
        return between(value, until);
      case "outcome":
        return any(value, "outcome");
      case "reason":
        return any(value, "overview.reasons");
      case "rule_type":
        return known(`rules.types.${value}`, value);
      case "sms_result":
        return known(`sends.filter.results.${value}`, value);
      case "country":
        return value === noCountry
          ? t("overview.noCountry")
          : /^[A-Z]{2}$/.test(value)
            ? countryName(value, language)
            : value;
      default:
        return value;
    }
  };

  function between(from: string, until: string): string {
    const at = (value: string) => (Number.isNaN(Date.parse(value)) ? value : minute(value, language));
    if (from && until) {
      return t("sends.filter.between", { from: at(from), until: at(until) });
    }
    return from ? t("sends.filter.since", { from: at(from) }) : t("sends.filter.before", { until: at(until) });
  }
}
