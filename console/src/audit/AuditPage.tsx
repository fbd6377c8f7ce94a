import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type AuditEntry, auditQuery } from "../api/queries";
import { csvPath } from "../sends/filter";
import { EmptyState } from "../ui/EmptyState";
import { FilterChips } from "../ui/FilterChips";
import { DownloadOutlined } from "../ui/icons";
import { ListTable } from "../ui/ListTable";
import { type ListColumn, none } from "../ui/listColumns";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { isRefusal } from "../ui/ProblemView";
import { TimeText } from "../ui/TimeText";
import { AuditFilters } from "./AuditFilters";
import { EntryDrawer } from "./EntryDrawer";
import { useAuditFilter } from "./useAuditFilter";
import { useEntryText } from "./useEntryText";

/** AuditPage lists who changed what. */
export default function AuditPage() {
  const { t } = useTranslation();
  const filter = useAuditFilter();
  const pages = useCursor();
  const entries = useQuery(auditQuery({ ...filter.query, ...(pages.cursor ? { cursor: pages.cursor } : {}) }));
  const [open, setOpen] = useState<AuditEntry>();
  const clear = <Button onClick={filter.clear}>{t("list.clear")}</Button>;
  return (
    <>
      <PageHeader
        title={t("audit.title")}
        about={t("audit.about")}
        actions={
          <Button icon={<DownloadOutlined />} href={csvPath(filter.query, "/v1/audit.csv")} download>
            {t("sends.csv")}
          </Button>
        }
      />
      <AuditFilters filter={filter} />
      <FilterChips chips={filter.chips} onClear={filter.clear} />
      {isRefusal(entries.error) && clear}
      <ListTable
        list={entries}
        columns={useColumns(setOpen)}
        empty={
          filter.chips.length > 0 ? (
            <EmptyState title={t("list.nothingFound")} action={clear} />
          ) : (
            <EmptyState title={t("audit.none")} about={t("audit.noneMeans")} />
          )
        }
      />
      <Pager pages={pages} nextCursor={entries.data?.next_cursor} loading={entries.isPlaceholderData} />
      {open && <EntryDrawer entry={open} onClose={() => setOpen(undefined)} />}
    </>
  );
}

function useColumns(show: (entry: AuditEntry) => void): ListColumn<AuditEntry>[] {
  const { t } = useTranslation();
  const text = useEntryText();
  return [
    { title: t("audit.when"), dataIndex: "at", width: 240, render: (_, { at }) => <TimeText at={at} /> },
    { title: t("audit.who"), key: "who", width: 200, render: (_, entry) => text.actor(entry) },
    { title: t("audit.from"), key: "from", width: 140, render: (_, { actor }) => actor.from ?? none },
    {
      title: t("audit.action"),
      dataIndex: "action",
      width: 140,
      render: (_, { action }) => t(`audit.actions.${action}`),
    },
    {
      title: t("audit.what"),
      key: "what",
      rowScope: "row",
      width: 300,
      render: (_, entry) => (
        <Button type="link" onClick={() => show(entry)}>
          {text.thing(entry)}
        </Button>
      ),
    },
  ];
}
