import { expect, test } from "vitest";
import { t } from "../i18n";
import { concernsOf, limitText, numberTone, recipientsText, statusText } from "./profile";

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

test("the recipients of a messaging limit are shown, with a concern from 80 percent", () => {
  const of = (recipients_24h: number) => ({ recipients_24h, recipient_limit: 250 });
  expect(recipientsText(of(213), t, "en")).toBe("213 of 250 recipients in 24 h");
  expect(recipientsText({ recipients_24h: 1999, recipient_limit: 2000 }, t, "en")).toBe(
    "1,999 of 2,000 recipients in 24 h",
  );
  expect(recipientsText(of(0), t, "en")).toBe("0 of 250 recipients in 24 h");
  expect([recipientsText({}, t, "en"), recipientsText({ recipient_limit: 250 }, t, "en")]).toEqual(["", ""]);
  const keys = [of(0), of(199), of(200), of(249), of(250), of(300), { recipient_limit: 250 }].map((profile) =>
    concernsOf(profile).map(({ key, type }) => `${key} ${type}`),
  );
  const [near, reached] = [["limitNear warning"], ["limitReached error"]];
  expect(keys).toEqual([[], [], near, near, reached, reached, []]);
});

test("the state of a number has a word and a tone", () => {
  expect([statusText("connected", t), statusText("approved", t), statusText("new_state", t)]).toEqual([
    "Connected",
    "Approved",
    "new state",
  ]);
  expect(["connected", "pending", "banned"].map(numberTone)).toEqual(["good", "warn", "bad"]);
});
