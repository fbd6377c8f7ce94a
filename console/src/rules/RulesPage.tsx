import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Rule } from "../api/client";
import { rulesQuery } from "../api/queries";
import { useMay } from "../session/may";
import { DeleteDialog } from "../ui/DeleteDialog";
import { EmptyState } from "../ui/EmptyState";
import { FilterChips } from "../ui/FilterChips";
import { RowActions } from "../ui/ItemActions";
import { PlusOutlined } from "../ui/icons";
import { nameColumn, updatedColumn } from "../ui/itemColumns";
import { ListTable } from "../ui/ListTable";
import type { ListColumn } from "../ui/listColumns";
import { Name } from "../ui/Name";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { isRefusal } from "../ui/ProblemView";
import { useMedia } from "../ui/useMedia";
import { ListTotal } from "./ListTotal";
import { countriesText, waitText } from "./meaning";
import { RuleDialog } from "./RuleDialog";
import { RuleFilters } from "./RuleFilters";
import { UsedBy } from "./UsedBy";
import { type ListFilter, useListFilter } from "./useListFilter";

export default function RulesPage() {
  const { t } = useTranslation();
  const filter = useListFilter("search", "type", "sender", "country", "unused");
  const pages = useCursor();
  const isUnused = filter.of("unused") === "true";
  const rules = useQuery(
    rulesQuery({ ...filter.query, ...(isUnused && { used: false }), cursor: pages.cursor, total: true }),
  );
  const [editing, setEditing] = useState<{ rule?: Rule }>();
  const [deleting, setDeleting] = useState<Rule>();
  const columns = useColumns(filter, { edit: (rule) => setEditing({ rule }), remove: setDeleting });
  const add = useMay("settings:write") && (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setEditing({})}>
      {t("rules.add")}
    </Button>
  );
  const clear = <Button onClick={filter.clear}>{t("list.clear")}</Button>;
  return (
    <>
      <PageHeader title={t("rules.title")} about={t("rules.about")} actions={add} />
      <RuleFilters filter={filter} search={t("rules.search")} hasUnused />
      <FilterChips chips={filter.chips} onClear={filter.clear} />
      {isRefusal(rules.error) ? clear : <ListTotal of="rules" list={rules} />}
      <ListTable
        list={rules}
        columns={columns}
        onChange={filter.onSort}
        empty={
          filter.chips.length > 0 ? (
            <EmptyState title={t("list.nothingFound")} action={clear} />
          ) : (
            <EmptyState title={t("rules.none")} about={t("rules.first")} action={add} />
          )
        }
      />
      <Pager pages={pages} nextCursor={rules.data?.next_cursor} loading={rules.isPlaceholderData} />
      {editing && <RuleDialog rule={editing.rule} onClose={() => setEditing(undefined)} />}
      {deleting && (
        <DeleteDialog
          of="rules"
          item={deleting}
          onClose={() => setDeleting(undefined)}
          obstacle={
            deleting.used_by?.length
              ? { title: t("rules.inUse", { name: deleting.name }), about: <UsedBy policies={deleting.used_by} /> }
              : undefined
          }
        />
      )}
    </>
  );
}

function useColumns(
  { orderOf }: ListFilter,
  { edit, remove }: { edit: (rule: Rule) => void; remove: (rule: Rule) => void },
): ListColumn<Rule>[] {
  const { t, i18n } = useTranslation();
  const isWide = useMedia("(min-width: 1400px), (max-width: 639px)");
  return [
    nameColumn("rules", 200, orderOf, t),
    { title: t("rules.type"), dataIndex: "type", width: 105, render: (_, rule) => t(`rules.types.${rule.type}`) },
    {
      title: t("rules.wait"),
      dataIndex: "wait_seconds",
      width: 115,
      render: (_, rule) => <span className="figures">{waitText(rule, t)}</span>,
    },
    {
      title: t("rules.sendID"),
      dataIndex: "send_id",
      width: 120,
      render: (_, rule) => <span className="nowrap">{rule.send_id}</span>,
    },
    {
      title: t("rules.countries"),
      dataIndex: "countries",
      width: 150,
      render: (_, rule) => <Name>{countriesText(rule, t, i18n.language)}</Name>,
    },
    {
      title: t("rules.usedBy"),
      dataIndex: "used_by",
      width: 160,
      render: (_, rule) =>
        rule.used_by?.length ? (
          <UsedBy policies={rule.used_by} most={1} />
        ) : (
          <span className="hint">{t("rules.unused")}</span>
        ),
    },
    ...(isWide ? [updatedColumn<Rule>(190, orderOf, t)] : []),
    {
      title: t("list.actions"),
      key: "actions",
      fixed: "right",
      width: 96,
      render: (_, rule) => <RowActions name={rule.name} edit={() => edit(rule)} remove={() => remove(rule)} />,
    },
  ];
}
