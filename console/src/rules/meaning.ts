// The meaning of a rule, as a sentence.
import type { TFunction } from "i18next";
import { firstSender, type Route, routesText } from "../accounts/routes";
import type { RuleType } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { duration } from "../ui/time";
import { countryName } from "./countries";

export interface RuleShape {
  type: RuleType;
  wait_seconds?: number | undefined;
  send_id: string;
  routes?: Route[] | undefined;
  countries?: string[] | undefined;
}

export const ruleTypes = constraints.RuleInput.type.enum;

/** meaning returns when the rule sends an SMS, from which sender, and to which recipients. */
export function meaning(rule: RuleShape, t: TFunction, language: string): string {
  const words = { wait: duration(rule.wait_seconds ?? 0, t), sender: firstSender(rule) || t("rules.someSender") };
  const sentence = rule.wait_seconds
    ? t(`rules.meaning.${rule.type}`, words)
    : t(rule.type === "unread" ? "rules.meaning.unreadNever" : "rules.meaning.failure", words);
  const countries = rule.countries ?? [];
  if (countries.length === 0) {
    return sentence;
  }
  const names = countries.slice(0, 4).map((code) => countryName(code, language));
  if (countries.length > names.length) {
    names.push(t("rules.moreCountries", { count: countries.length - names.length }));
  }
  const list = new Intl.ListFormat(language, { type: "disjunction" }).format(names);
  return t("verdict.sentences", { first: sentence, second: t("rules.meaning.onlyIn", { countries: list }) });
}

/** condition returns the short form, for use beside a time: "Not read: SMS from ACME". */
export function condition(rule: RuleShape, t: TFunction): string {
  return t(`rules.condition.${rule.type}`, { sender: firstSender(rule) });
}

/** waitText returns the wait of a rule, or that it has none. */
export function waitText({ wait_seconds }: Pick<RuleShape, "wait_seconds">, t: TFunction): string {
  return wait_seconds ? duration(wait_seconds, t) : t("rules.onFailureOnly");
}

/** countriesText returns the names of all countries of a rule, or that it applies everywhere. */
export function countriesText({ countries }: Pick<RuleShape, "countries">, t: TFunction, language: string): string {
  const names = countries?.map((code) => countryName(code, language)) ?? [];
  return names.length > 0 ? new Intl.ListFormat(language, { type: "unit" }).format(names) : t("rules.everywhere");
}

const shownCodes = 4;

/** summary returns the facts of a rule in one short line: "Unread, 30 s, ACME, GB". */
export function summary(rule: RuleShape, t: TFunction, language: string): string {
  const { countries = [] } = rule;
  const routes = routesText(rule.routes);
  const codes = countries.slice(0, shownCodes);
  const more = countries.length - codes.length;
  const facts = [
    t(`rules.types.${rule.type}`),
    waitText(rule, t),
    rule.send_id,
    ...(routes ? [routes] : []),
    ...codes,
    ...(more > 0 ? [t("rules.moreCountries", { count: more })] : []),
  ];
  return new Intl.ListFormat(language, { type: "unit" }).format(facts);
}
