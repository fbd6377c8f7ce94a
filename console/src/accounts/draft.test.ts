import { expect, test } from "vitest";
import type { Account, Provider } from "../api/client";
import { bodyOf, changeOf, type Draft, draftOf, formFieldOf, keptUntil, keyOf, replacesSecrets } from "./draft";

const described = { label: { en: "" }, help: {} };

const provider: Provider = {
  name: "both",
  title: "Both",
  channels: ["sms", "whatsapp"],
  signs_webhooks: false,
  refuses_repeats: false,
  answers_inquiries: false,
  checks_accounts: true,
  on_unknown: "hold",
  fields: [
    { ...described, name: "id", kind: "text", required: true },
    { ...described, name: "token", kind: "secret", required: true },
    { ...described, name: "sign", kind: "secret", required: false, verifies: true },
    { ...described, name: "sender", kind: "text", required: false, channels: ["whatsapp"] },
    { ...described, name: "base_url", kind: "url", required: false, default: "https://api.example" },
  ],
};

const account: Account = {
  name: "uk",
  provider: "both",
  channel: "whatsapp",
  settings: { id: "1", sender: "+44", base_url: "https://eu.example" },
  secrets_set: ["token", "sign"],
  on_unknown: "resend",
  when_unhealthy: "hold",
  call_timeout_seconds: 5,
  calls_per_second: 2.5,
  countries: ["GB"],
  disabled: true,
  source: "database",
  webhook_url: "https://backstop.example/webhooks/both/uk",
  health: { state: "healthy" },
  version: 3,
};

test("a new account has the defaults of its provider, and no fields of another channel", () => {
  const draft: Draft = { ...draftOf(undefined, provider), name: "uk", [keyOf("id")]: "1", [keyOf("token")]: "secret" };
  expect(draft.channel).toBe("sms");
  expect(draft[keyOf("base_url")]).toBe("https://api.example");
  const typed = { ...draft, [keyOf("sender")]: "+44" } satisfies Draft;
  expect(bodyOf(typed, provider, undefined)).toEqual({
    name: "uk",
    channel: "sms",
    change: { settings: { id: "1", token: "secret", base_url: "https://api.example" }, on_unknown: "hold" },
    keepDays: undefined,
    check: true,
  });
  expect(bodyOf({ ...typed, channel: "whatsapp" }, provider, undefined).change).toMatchObject({
    settings: { sender: "+44" },
    when_unhealthy: "fall_back",
  });
});

test("a secret that is left empty is kept, and one that is removed is sent as an empty text", () => {
  const draft = draftOf(account, provider);
  expect(bodyOf({ ...draft, [keyOf("token")]: "" }, provider, account).change.settings).toEqual(account.settings);
  expect(bodyOf({ ...draft, [keyOf("sign")]: null }, provider, account).change.settings).toMatchObject({ sign: "" });
});

test("the values of the form that it does not show are those of the account", () => {
  const { name, channel, change } = bodyOf({ on_unknown: "hold" }, provider, account);
  expect({ name, channel }).toEqual({ name: "uk", channel: "whatsapp" });
  expect(change).toEqual({
    settings: account.settings,
    on_unknown: "hold",
    when_unhealthy: "hold",
    call_timeout_seconds: 5,
    calls_per_second: 2.5,
    countries: ["GB"],
  });
});

test("an emptied number has the default of the API", () => {
  const { change } = bodyOf({ call_timeout_seconds: null, calls_per_second: null }, provider, account);
  expect(change).not.toHaveProperty("call_timeout_seconds");
  expect(change).not.toHaveProperty("calls_per_second");
});

test("former secrets are kept for a while only if a verifying secret or the key of the webhook changes", () => {
  const draft = draftOf(account, provider);
  const days = (change: object) => bodyOf({ ...draft, keep_days: 30, ...change }, provider, account).keepDays;
  expect(days({ [keyOf("token")]: "new" })).toBeUndefined();
  expect(days({ [keyOf("sign")]: "new" })).toBe(30);
  expect(days({ [keyOf("sign")]: null })).toBe(30);
  expect(days({ new_webhook_key: true })).toBe(30);
  expect(replacesSecrets({ ...draft, [keyOf("sign")]: "" }, provider)).toBe(false);
});

test("0 days is a time in the past", () => {
  const now = Date.parse("2031-05-04T12:00:00Z");
  expect(keptUntil(7, now)).toBe("2031-05-11T12:00:00.000Z");
  expect(Date.parse(keptUntil(0, now))).toBeLessThan(now);
});

test("changeOf keeps an account as it is, without its secrets", () => {
  expect(changeOf(account)).toEqual({
    settings: account.settings,
    on_unknown: "resend",
    when_unhealthy: "hold",
    call_timeout_seconds: 5,
    calls_per_second: 2.5,
    countries: ["GB"],
    disabled: true,
  });
});

test("formFieldOf finds the field of a path, if the channel has it", () => {
  const paths = ["name", "settings.token", "settings.sender", "countries.3", "keep_former_secrets_until", "provider"];
  expect(paths.map((path) => formFieldOf(path, provider, "sms"))).toEqual([
    "name",
    "settings.token",
    undefined,
    "countries",
    "keep_days",
    undefined,
  ]);
  expect(formFieldOf("settings.sender", provider, "whatsapp")).toBe("settings.sender");
});
