// What has changed the fallback rate, in words.
import type { TFunction } from "i18next";
import type { Schemas } from "../api/client";
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
export function movedGroups({ groups }: Changes): Group[] {
  return groups.filter((group) => Math.abs(group.contribution) >= shown);
}

/** causeOf names a group: "Parcels, United Kingdom, WhatsApp failed permanently, 131026". */
export function causeOf(group: Group, t: TFunction, language: string): string {
  return [
    group.policy_name,
    group.country ? countryName(group.country, language) : t("overview.noCountry"),
    group.reason && t(`overview.reasons.${group.reason}`),
    group.code,
  ]
    .filter(Boolean)
    .join(t("overview.comma"));
}

interface Numbers {
  rate: (value: number | undefined) => string;
  points: (value: number) => string;
}

/** sentenceOf says how the rate has changed, and which group has most to do with it. */
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
  const first = changes.groups.find((group) => Math.sign(group.contribution) === Math.sign(difference));
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

/** hasFew reports whether a range has so few sends that a single one moves the rate by points. */
export function hasFew({ before, after }: Changes): boolean {
  return Math.min(before.sends, after.sends) < 30;
}
