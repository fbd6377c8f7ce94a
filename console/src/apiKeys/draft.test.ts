import dayjs from "dayjs";
import { expect, test } from "vitest";
import type { KeyItem } from "../api/queries";
import { bodyOf, draftOf, fieldOf, inputOf, patchOf } from "./draft";

const key: KeyItem = {
  id: "1",
  name: "Checkout",
  kind: "live",
  prefix: "bsk_live_k3j9x2ab",
  scopes: ["sends:write"],
  policies: ["p"],
  accounts: [],
  rate_limit: 50,
  callback: { url: "https://shop.example", events: ["delivered"] },
  expires_at: "2020-01-02T03:04:05.123456Z",
  version: 3,
  created_at: "2020-01-01T00:00:00Z",
  updated_at: "2020-01-01T00:00:00Z",
};

test("an unchanged form changes nothing, so an expired key can be renamed", () => {
  expect(patchOf(bodyOf(draftOf(key)), key)).toEqual({});
  expect(patchOf(bodyOf({ ...draftOf(key), name: "Shop" }), key)).toEqual({ name: "Shop" });
});

test("an emptied field gets its default", () => {
  const emptied = { ...draftOf(key), policies: [], rate_limit: null, callback_url: " ", expires_at: null };
  expect(patchOf(bodyOf(emptied), key)).toEqual({ policies: [], rate_limit: null, callback: null, expires_at: null });
  const allEvents = { ...draftOf(key), callback_events: [] };
  expect(patchOf(bodyOf(allEvents), key)).toEqual({ callback: { url: "https://shop.example", events: [] } });
});

test("a new key has only what is given, and its scopes in the order of the contract", () => {
  const draft = { ...draftOf(undefined), name: "Checkout", scopes: ["sends:read", "sends:write"] as const };
  expect(inputOf(bodyOf({ ...draft, scopes: [...draft.scopes] }))).toEqual({
    name: "Checkout",
    kind: "live",
    scopes: ["sends:write", "sends:read"],
    policies: [],
    accounts: [],
  });
  const at = dayjs("2031-05-04T12:10:00Z");
  expect(inputOf(bodyOf({ ...draftOf(undefined), expires_at: at })).expires_at).toBe("2031-05-04T12:10:00.000Z");
});

test.each([
  ["scopes.1", "scopes"],
  ["policies.0", "policies"],
  ["callback.url", "callback_url"],
  ["callback.events.0", "callback_events"],
  ["callback", "callback_url"],
  ["body", undefined],
])("an error of %s is shown at %s", (path, field) => expect(fieldOf(path)).toBe(field));
