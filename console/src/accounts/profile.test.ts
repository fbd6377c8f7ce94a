import { expect, test } from "vitest";
import { t } from "../i18n";
import { concernsOf, limitText, numberTone, statusText } from "./profile";

test("a messaging limit is a number of persons, or the provider's word", () => {
  const limits = ["tier_250", "tier_1k", "tier_100k", "tier_unlimited", "tier_new"];
  expect(limits.map((limit) => limitText(limit, t, "en"))).toEqual([
    "250 persons a day",
    "1,000 persons a day",
    "100,000 persons a day",
    "No limit",
    "tier_new",
  ]);
});

test("a number that is not connected and a low quality are concerns", () => {
  const keys = (profile?: Parameters<typeof concernsOf>[0]) =>
    concernsOf(profile).map(({ key, type }) => `${key} ${type}`);
  expect([keys(), keys({}), keys({ status: "connected", quality: "green" })]).toEqual([[], [], []]);
  expect(keys({ status: "connected", quality: "yellow" })).toEqual(["qualityMedium warning"]);
  expect(keys({ status: "banned", quality: "red" })).toEqual(["notConnected error", "qualityLow error"]);
  expect(keys({ status: "flagged", quality: "unknown" })).toEqual(["notConnected warning"]);
});

test("the state of a number has a word and a tone", () => {
  expect([statusText("connected", t), statusText("approved", t), statusText("new_state", t)]).toEqual([
    "Connected",
    "Approved",
    "new state",
  ]);
  expect(["connected", "pending", "banned"].map(numberTone)).toEqual(["good", "warn", "bad"]);
});
