// The WhatsApp account of a new send, and its templates.
import { useQuery } from "@tanstack/react-query";
import type { Account } from "../api/client";
import { accountsQuery, policyQuery, templatesQuery } from "../api/queries";
import type { Template } from "./parameters";
import { defaultAccount } from "./sender";

export interface Sender {
  account: Account | undefined; // undefined while it is not known
  isSynced: boolean; // whether its templates were read
  isPending: boolean;
}

interface Choices {
  account?: string | undefined; // of the send
  planned?: string | undefined; // in the newest plan
  policy?: string | undefined; // the policy's id
}

/** useSender returns the account that sends: that of the send, of its plan, of its policy, or the default account. */
export function useSender({ account, planned, policy }: Choices): Sender {
  const accounts = useQuery(accountsQuery({ channel: "whatsapp", limit: 200, sort: "name" }));
  const ofPolicy = useQuery({ ...policyQuery(policy ?? ""), enabled: Boolean(policy), retry: false }).data?.account;
  const all = accounts.data?.items ?? [];
  const name = account || planned || ofPolicy;
  const found = name ? all.find((one) => one.name === name) : defaultAccount(all);
  return { account: found, isSynced: isSynced(found), isPending: accounts.isPending };
}

function isSynced(account: Account | undefined): boolean {
  return account?.profile?.templates_read_at !== undefined;
}

/** useTemplate returns a template as the list has it; undefined if it does not, or is not loaded yet. */
export function useTemplate({ account, isSynced }: Sender, name?: string, language?: string): Template | undefined {
  const query = { account: account?.name ?? "", name: name ?? "", language: language ?? "", limit: 200 };
  const list = useQuery({ ...templatesQuery(query), enabled: isSynced && Boolean(name && language) });
  return list.data?.items.find(
    (one) => one.account === query.account && one.name === query.name && one.language === query.language,
  );
}
