import { expect, test } from "vitest";
import type { Account, Provider } from "../api/client";
import { lackingOf, listersOf } from "./sync";

const providers = [
  { name: "meta", fields: [{ name: "waba_id" }] },
  { name: "infobip", fields: [{ name: "api_key" }] },
] as unknown as Provider[];

const account = (name: string, provider: string, settings: Record<string, string> = {}) =>
  ({ name, provider, settings }) as unknown as Account;

test("an account at Meta needs its waba_id, and no account at another provider does", () => {
  const accounts = [account("a", "meta"), account("b", "meta", { waba_id: "1" }), account("c", "infobip")];
  expect(lackingOf(accounts, providers).map(({ name }) => name)).toEqual(["a"]);
  expect(listersOf(accounts, providers).map(({ name }) => name)).toEqual(["a", "b"]);
});

test("an account whose templates were read counts, whatever its provider", () => {
  const read = { ...account("c", "infobip"), profile: { templates_read_at: "2026-11-26T12:00:00Z" } };
  expect(listersOf([read], providers)).toEqual([read]);
});
