import { expect, test } from "vitest";
import type { Account } from "../api/client";
import { defaultAccount } from "./sender";

const account = (name: string, change: Partial<Account> = {}) =>
  ({ name, source: "database", disabled: false, created_at: `2026-01-0${name}T00:00:00Z`, ...change }) as Account;

test("the default account is of the environment, else the oldest that can send everywhere", () => {
  const environment = account("9", { source: "environment" });
  expect(defaultAccount([account("2"), environment, account("1")])).toBe(environment);
  const unusable = [
    account("1", { disabled: true }),
    account("2", { fault: "no key" }),
    account("3", { countries: ["DE"] }),
  ];
  expect(defaultAccount([account("5"), ...unusable, account("4")])?.name).toBe("4");
  expect(defaultAccount(unusable)).toBeUndefined();
});
