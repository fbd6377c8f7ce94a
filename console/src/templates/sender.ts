// Which WhatsApp account sends by default. The API decides; this is for a form that has no recipient yet.
import type { Account } from "../api/client";

/** defaultAccount returns the first account that can send everywhere: those of the environment first, then the oldest. */
export function defaultAccount<A extends Account>(accounts: A[]): A | undefined {
  const orderOf = ({ source, created_at }: Account) => (source === "environment" ? "" : (created_at ?? ""));
  return accounts
    .filter(({ disabled, fault, countries }) => !disabled && fault === undefined && !countries?.length)
    .sort((a, b) => orderOf(a).localeCompare(orderOf(b)))[0];
}
