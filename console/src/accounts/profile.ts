// What is said of the number of an account, as its provider reports it.
import type { TFunction } from "i18next";
import type { Schemas } from "../api/client";
import { first } from "../i18n/first";
import { statusText as templateStatus } from "../templates/template";
import type { Tone } from "../theme";

const connected = "connected";

/** statusText names the state of a number, or of the review of its name. */
export function statusText(status: string, t: TFunction): string {
  const word = (Object.keys(first.number.statuses) as (keyof typeof first.number.statuses)[]).find(
    (one) => one === status,
  );
  return word ? t(`number.statuses.${word}`) : templateStatus(status, t);
}

export function throughputText(throughput: string, t: TFunction): string {
  const words = Object.keys(first.number.throughputs) as (keyof typeof first.number.throughputs)[];
  const word = words.find((one) => one === throughput);
  return word ? t(`number.throughputs.${word}`) : throughput;
}

/** limitText says how many persons a messaging limit like tier_1k means. An unknown one has the provider's word. */
export function limitText(limit: string, t: TFunction, language: string): string {
  if (limit === "tier_unlimited") {
    return t("number.unlimited");
  }
  const [, digits, thousands] = /^tier_(\d+)(k?)$/.exec(limit) ?? [];
  if (!digits) {
    return limit;
  }
  const count = Number(digits) * (thousands ? 1000 : 1);
  return t("number.perDay", { number: new Intl.NumberFormat(language).format(count) });
}

type Profile = Schemas["AccountProfile"];

/** recipientsText says how much of the messaging limit is used up, or nothing if it was not counted. */
export function recipientsText(profile: Profile, t: TFunction, language: string): string {
  const { recipients_24h, recipient_limit } = profile;
  if (recipients_24h === undefined || !recipient_limit) {
    return "";
  }
  const format = new Intl.NumberFormat(language);
  return t("number.recipientsOf", { recipients: format.format(recipients_24h), limit: format.format(recipient_limit) });
}

const nearPercent = 80;

/** limitConcern says whether the messaging limit is used up, or nearly. */
export function limitConcern({
  recipients_24h = 0,
  recipient_limit,
}: Profile): "limitReached" | "limitNear" | undefined {
  if (!recipient_limit || recipients_24h * 100 < recipient_limit * nearPercent) {
    return undefined;
  }
  return recipients_24h < recipient_limit ? "limitNear" : "limitReached";
}

const blocked = new Set(["banned", "disconnected", "deleted"]);

export function numberTone(status: string): Tone {
  return status === connected ? "good" : blocked.has(status) ? "bad" : "warn";
}

export interface Concern {
  key: "qualityLow" | "qualityMedium" | "notConnected" | "limitReached" | "limitNear";
  type: "warning" | "error";
  status: string;
}

/** concernsOf returns what is wrong with a number. */
export function concernsOf(profile: Profile = {}): Concern[] {
  const { status = "", quality } = profile;
  const concerns: Concern[] = [];
  if (status && status !== connected) {
    concerns.push({ key: "notConnected", type: numberTone(status) === "bad" ? "error" : "warning", status });
  }
  if (quality === "red") {
    concerns.push({ key: "qualityLow", type: "error", status });
  }
  if (quality === "yellow") {
    concerns.push({ key: "qualityMedium", type: "warning", status });
  }
  const limit = limitConcern(profile);
  if (limit) {
    concerns.push({ key: limit, type: limit === "limitReached" ? "error" : "warning", status });
  }
  return concerns;
}
