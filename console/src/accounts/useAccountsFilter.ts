// The filters and the order of the list of accounts, in the address of the page.
import { useTranslation } from "react-i18next";
import type { Channel, Provider } from "../api/client";
import type { operations } from "../api/schema";
import type { FilterChip } from "../ui/FilterChips";
import type { Order } from "../ui/listColumns";
import { useFilters } from "../ui/useFilters";

type Query = NonNullable<operations["ListAccounts"]["parameters"]["query"]>;
type Name = "search" | "channel" | "provider" | "disabled";

const names: Name[] = ["search", "channel", "provider", "disabled"];

export type AccountsFilter = ReturnType<typeof useAccountsFilter>;

export function useAccountsFilter(providers: Provider[]) {
  const { t } = useTranslation();
  const { values, set } = useFilters(...names, "sort");
  const words: Record<Name, () => string> = {
    search: () => t("rules.filter.search", { text: values.search }),
    channel: () =>
      t("accounts.filter.channel", {
        channel: isChannel(values.channel) ? t(`channel.${values.channel}`) : values.channel,
      }),
    provider: () =>
      t("accounts.filter.provider", {
        provider: providers.find(({ name }) => name === values.provider)?.title ?? values.provider,
      }),
    disabled: () => t(values.disabled === "true" ? "accounts.disabled" : "accounts.enabled"),
  };
  const chips: FilterChip[] = names
    .filter((name) => values[name] !== "")
    .map((name) => ({
      key: name,
      label: words[name](),
      onRemove: () => set({ [name]: "" } as Record<Name, string>),
    }));
  return {
    values,
    set: (change: Partial<Record<Name, string>>) => set(change),
    chips,
    clear: () => set(Object.fromEntries([...names, "sort"].map((name) => [name, ""]))),
    query: {
      ...(values.search && { search: values.search }),
      ...(values.channel && { channel: values.channel as Channel }), // the API refuses another channel
      ...(values.provider && { provider: values.provider }),
      ...(values.disabled && { disabled: values.disabled === "true" }),
      ...(values.sort && { sort: values.sort as Query["sort"] }),
    },
    orderOf: (field: "name" | "updated_at"): Order | null =>
      (({ [field]: "ascend", [`-${field}`]: "descend" }) as const)[values.sort] ?? null,
    onSort: (_: unknown, __: unknown, sorter: unknown) => {
      const { field, order } = (Array.isArray(sorter) ? sorter[0] : sorter) as { field?: string; order?: Order | null };
      set({ sort: order ? `${order === "descend" ? "-" : ""}${field}` : "" });
    },
  };
}

function isChannel(text: string): text is Channel {
  return text === "whatsapp" || text === "sms";
}
