// What is known of the readings of the templates, by the accounts.

import type { AccountField } from "../accounts/fields";
import type { Account, Provider } from "../api/client";

/** wabaField returns the setting without which the templates of an account are not read; undefined if its provider has none. */
export function wabaField({ provider }: Account, providers: Provider[]): AccountField | undefined {
  return providers.find(({ name }) => name === provider)?.fields.find(({ name }) => name === "waba_id");
}

/** lackingOf returns the accounts whose templates are not read, because they lack that setting. */
export function lackingOf<A extends Account>(accounts: A[], providers: Provider[]): A[] {
  return accounts.filter((account) => wabaField(account, providers) && !account.settings.waba_id);
}

/** listersOf returns the accounts whose provider has templates to read. */
export function listersOf<A extends Account>(accounts: A[], providers: Provider[]): A[] {
  return accounts.filter((account) => account.profile?.templates_read_at || wabaField(account, providers));
}
