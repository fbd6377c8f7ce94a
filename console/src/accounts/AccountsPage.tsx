import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import type { Account, Provider } from "../api/client";
import { type AccountItem, accountsQuery, providersQuery } from "../api/queries";
import { ListTotal } from "../rules/ListTotal";
import { countriesText } from "../rules/meaning";
import { useMay } from "../session/may";
import { EmptyState } from "../ui/EmptyState";
import { FilterChips } from "../ui/FilterChips";
import { RowActions } from "../ui/ItemActions";
import { PlusOutlined } from "../ui/icons";
import { nameColumn, updatedColumn } from "../ui/itemColumns";
import { ListTable } from "../ui/ListTable";
import { type ListColumn, none } from "../ui/listColumns";
import { Name } from "../ui/Name";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { isRefusal } from "../ui/ProblemView";
import { useMedia } from "../ui/useMedia";
import { AccountDialog } from "./AccountDialog";
import { AccountFilters } from "./AccountFilters";
import { DeleteAccount } from "./DeleteAccount";
import { HealthTag, HealthWords, StateTags } from "./HealthTag";
import { stateOf } from "./Unchecked";
import { type AccountsFilter, useAccountsFilter } from "./useAccountsFilter";

export default function AccountsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const providers = useQuery(providersQuery).data?.items ?? [];
  const filter = useAccountsFilter(providers);
  const pages = useCursor();
  const accounts = useQuery(accountsQuery({ ...filter.query, cursor: pages.cursor, total: true }));
  const [editing, setEditing] = useState<{ account?: AccountItem }>();
  const [deleting, setDeleting] = useState<AccountItem>();
  const columns = useColumns(filter, providers, { edit: (account) => setEditing({ account }), remove: setDeleting });
  const add = useMay("settings:write") && (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setEditing({})}>
      {t("accounts.add")}
    </Button>
  );
  const clear = <Button onClick={filter.clear}>{t("list.clear")}</Button>;
  return (
    <>
      <PageHeader title={t("accounts.title")} about={t("accounts.about")} actions={add} />
      <AccountFilters filter={filter} providers={providers} />
      <FilterChips chips={filter.chips} onClear={filter.clear} />
      {isRefusal(accounts.error) ? clear : <ListTotal of="accounts" list={accounts} />}
      <ListTable
        list={accounts}
        columns={columns}
        onChange={filter.onSort}
        empty={
          filter.chips.length > 0 ? (
            <EmptyState title={t("list.nothingFound")} action={clear} />
          ) : (
            <EmptyState title={t("accounts.none")} about={t("accounts.first")} action={add} />
          )
        }
      />
      <Pager pages={pages} nextCursor={accounts.data?.next_cursor} loading={accounts.isPlaceholderData} />
      {editing && (
        <AccountDialog
          account={editing.account}
          onClose={() => setEditing(undefined)}
          // The page of the account has the address of its webhook, and says if the provider could not be asked.
          onSaved={(saved) =>
            (!editing.account || saved.unchecked) && navigate(`/accounts/${saved.name}`, { state: stateOf(saved) })
          }
        />
      )}
      {deleting && <DeleteAccount account={deleting} onClose={() => setDeleting(undefined)} />}
    </>
  );
}

function useColumns(
  { orderOf }: AccountsFilter,
  providers: Provider[],
  { edit, remove }: { edit: (account: AccountItem) => void; remove: (account: AccountItem) => void },
): ListColumn<AccountItem>[] {
  const { t, i18n } = useTranslation();
  const isWide = useMedia("(min-width: 1400px), (max-width: 639px)");
  return [
    nameColumn("accounts", 190, orderOf, t),
    {
      title: t("accounts.provider"),
      dataIndex: "provider",
      width: 170,
      render: (_, { provider }) => <Name>{providers.find(({ name }) => name === provider)?.title ?? provider}</Name>,
    },
    {
      title: t("accounts.channel"),
      dataIndex: "channel",
      width: 105,
      render: (_, { channel }) => t(`channel.${channel}`),
    },
    {
      title: t("accounts.health.title"),
      dataIndex: "health",
      width: 250,
      render: (_, account) => <State account={account} />,
    },
    {
      title: t("rules.countries"),
      dataIndex: "countries",
      width: 150,
      render: (_, account) => <Name>{countriesText(account, t, i18n.language)}</Name>,
    },
    ...(isWide ? [updatedColumn<AccountItem>(185, orderOf, t)] : []),
    {
      title: t("list.actions"),
      key: "actions",
      fixed: "right",
      width: 96,
      render: (_, account) =>
        account.source === "environment" ? (
          none
        ) : (
          <RowActions name={account.name} edit={() => edit(account)} remove={() => remove(account)} />
        ),
    },
  ];
}

function State({ account }: { account: Account }) {
  return (
    <div className="account-state">
      <span className="tags">
        <HealthTag health={account.health} />
        <StateTags account={account} />
      </span>
      {account.health.state !== "healthy" && <HealthWords health={account.health} />}
      {account.fault && (
        <div className="hint break" lang="en">
          {account.fault}
        </div>
      )}
    </div>
  );
}
