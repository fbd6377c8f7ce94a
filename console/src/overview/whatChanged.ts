// What has changed the fallback rate, in words.
import type { TFunction } from "i18next";
import type { Schemas } from "../api/client";
import { policyName } from "../policies/policyName";
import { countryName } from "../rules/countries";
import { rateOf } from "./shares";

type Group = Schemas["ChangeGroup"];
type Changes = Schemas["StatsChanges"];

const shown = 0.0005; // the smallest change that is not 0.0 points

/** differenceOf returns the change of the rate; undefined if one of the ranges has no sends. */
export function differenceOf({ before, after }: Changes): number | undefined {
  const [was, is] = [rateOf(before.fallbacks, before.sends), rateOf(after.fallbacks, after.sends)];
  return was === undefined || is === undefined ? undefined : is - was;
}

/** movedGroups returns the groups whose contribution is not 0.0 points. */
export function movedGroups({ groups }: Pick<Changes, "groups">): Group[] {
  return groups.filter((group) => Math.abs(group.contribution) >= shown);
}

type Property = "policy" | "country" | "reason" | "code";

/** The sets of properties by which a cause may be shared, the narrowest first. What failed comes before where it failed. */
const groupings: Property[][] = [
  ["policy", "country", "reason", "code"],
  ["policy", "reason", "code"],
  ["country", "reason", "code"],
  ["reason", "code"],
  ["policy", "reason"],
  ["country", "reason"],
  ["reason"],
  ["policy", "country"],
  ["policy"],
  ["country"],
];

const most = 0.8; // of all contributions in the direction of the change

/** Cause is what groups share. */
export interface Cause {
  shared: Property[];
  groups: [Group, ...Group[]];
  contribution: number;
}

/**
 * mainCause returns the narrowest cause that explains most of a change, or else the largest group. It is undefined if no group has
 * moved in the direction of the change.
 */
export function mainCause({ groups }: Pick<Changes, "groups">, difference: number): Cause | undefined {
  const forward = (cause: { contribution: number }) => cause.contribution * Math.sign(difference);
  const total = groups.reduce((sum, group) => sum + Math.max(forward(group), 0), 0);
  const largest = groupings.map((shared) => {
    const [first] = causesBy(shared, groups).toSorted((a, b) => forward(b) - forward(a));
    return first && forward(first) > 0 ? first : undefined;
  });
  return largest.find((cause) => cause && forward(cause) >= most * total) ?? largest[0];
}

function causesBy(shared: Property[], groups: Group[]): Cause[] {
  const causes = new Map<string, Cause>();
  for (const group of groups) {
    const key = JSON.stringify(shared.map((property) => propertyOf(group, property)));
    const cause = causes.get(key);
    if (cause) {
      cause.groups.push(group);
      cause.contribution += group.contribution;
    } else {
      causes.set(key, { shared, groups: [group], contribution: group.contribution });
    }
  }
  return [...causes.values()];
}

function propertyOf(group: Group, property: Property) {
  switch (property) {
    case "policy":
      return group.policy_id;
    case "code":
      return [group.provider, group.code];
    default:
      return group[property];
  }
}

/**
 * causeOf names a cause: "Parcels, United Kingdom, WhatsApp failed permanently with 131026", or "WhatsApp failed permanently with
 * 131026, in 3 countries and 2 policies".
 */
export function causeOf({ shared, groups }: Cause, t: TFunction, language: string): string {
  const [group] = groups;
  const has = (property: Property) => shared.includes(property);
  const reason = has("reason") && group.reason && t(`overview.reasons.${group.reason}`);
  const code = has("code") && group.code;
  return [
    has("policy") && policyName(group, t),
    has("country") && (group.country ? countryName(group.country, language) : t("overview.noCountry")),
    reason && code ? t("overview.changes.withCode", { reason, code }) : reason || code,
    spreadOf(groups, t, language),
  ]
    .filter(Boolean)
    .join(t("overview.comma"));
}

/** spreadOf says in how many countries and policies groups have moved: "in 3 countries and 2 policies". */
function spreadOf(groups: Group[], t: TFunction, language: string): string {
  const moved = movedGroups({ groups });
  const countries = new Set(moved.map((group) => group.country).filter(Boolean)).size;
  const policies = new Set(moved.map((group) => group.policy_id)).size;
  const where = [
    countries > 1 && t("overview.changes.countries", { number: countries }),
    policies > 1 && t("overview.changes.policies", { number: policies }),
  ].filter((part) => part !== false);
  return where.length > 0 ? t("overview.changes.spread", { where: new Intl.ListFormat(language).format(where) }) : "";
}

interface Numbers {
  rate: (value: number | undefined) => string;
  points: (value: number) => string;
}

/** sentenceOf says how the rate has changed, and which cause has most to do with it. */
export function sentenceOf(changes: Changes, t: TFunction, language: string, { rate, points }: Numbers): string {
  const { before, after } = changes;
  const difference = differenceOf(changes);
  const was = rate(rateOf(before.fallbacks, before.sends));
  const is = rate(rateOf(after.fallbacks, after.sends));
  if (difference === undefined) {
    return t(before.sends === 0 ? "overview.changes.noneBefore" : "overview.changes.noneNow");
  }
  if (Math.abs(difference) < shown) {
    return t(movedGroups(changes).length > 0 ? "overview.changes.moved" : "overview.changes.same", { rate: is });
  }
  const first = mainCause(changes, difference);
  const words = { by: points(difference), before: was, after: is };
  const start = t(difference > 0 ? "overview.changes.rose" : "overview.changes.fell", words);
  if (!first) {
    return start + t("overview.changes.stop");
  }
  // Groups of the other direction may make a contribution larger than the whole change.
  const isPart = Math.abs(first.contribution) <= Math.abs(difference) + shown;
  const rest = t(isPart ? "overview.changes.part" : "overview.changes.largest", {
    part: points(first.contribution),
    cause: causeOf(first, t, language),
  });
  return start + rest;
}

/**
 * mayBeChance reports whether a range has few sends, and the rates differ by no more than few sends do by chance (a z-test of two
 * proportions).
 */
export function mayBeChance({ before, after }: Pick<Changes, "before" | "after">): boolean {
  const rate = (before.fallbacks + after.fallbacks) / (before.sends + after.sends);
  const deviation = Math.sqrt(rate * (1 - rate) * (1 / before.sends + 1 / after.sends));
  const difference = after.fallbacks / after.sends - before.fallbacks / before.sends;
  return Math.min(before.sends, after.sends) < 30 && Math.abs(difference) < 2 * deviation;
}
