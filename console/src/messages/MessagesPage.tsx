import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { messagesQuery } from "../api/queries";
import { ListTotal } from "../rules/ListTotal";
import { type ListFilter, useListFilter } from "../rules/useListFilter";
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
import { SearchBox } from "../ui/SearchBox";
import type { Message } from "./draft";
import { MessageDialog } from "./MessageDialog";

export default function MessagesPage() {
  const { t } = useTranslation();
  const filter = useListFilter("search");
  const pages = useCursor();
  const messages = useQuery(messagesQuery({ ...filter.query, cursor: pages.cursor, total: true }));
  const [editing, setEditing] = useState<{ message?: Message }>();
  const [deleting, setDeleting] = useState<Message>();
  const columns = useColumns(filter, { edit: (message) => setEditing({ message }), remove: setDeleting });
  const add = useMay("settings:write") && (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setEditing({})}>
      {t("messages.add")}
    </Button>
  );
  const clear = <Button onClick={filter.clear}>{t("list.clear")}</Button>;
  return (
    <>
      <PageHeader title={t("messages.title")} about={t("messages.about")} actions={add} />
      <div className="toolbar">
        <SearchBox
          label={t("messages.search")}
          value={filter.of("search")}
          onChange={(search) => filter.set({ search })}
        />
      </div>
      <FilterChips chips={filter.chips} onClear={filter.clear} />
      {isRefusal(messages.error) ? clear : <ListTotal of="messages" list={messages} />}
      <ListTable
        list={messages}
        columns={columns}
        onChange={filter.onSort}
        empty={
          filter.chips.length > 0 ? (
            <EmptyState title={t("list.nothingFound")} action={clear} />
          ) : (
            <EmptyState title={t("messages.none")} about={t("messages.first")} action={add} />
          )
        }
      />
      <Pager pages={pages} nextCursor={messages.data?.next_cursor} loading={messages.isPlaceholderData} />
      {editing && <MessageDialog message={editing.message} onClose={() => setEditing(undefined)} />}
      {deleting && <DeleteDialog of="messages" item={deleting} onClose={() => setDeleting(undefined)} />}
    </>
  );
}

function useColumns(
  { orderOf }: ListFilter,
  { edit, remove }: { edit: (message: Message) => void; remove: (message: Message) => void },
): ListColumn<Message>[] {
  const { t } = useTranslation();
  return [
    nameColumn("messages", 200, orderOf, t),
    {
      title: t("channel.whatsapp"),
      dataIndex: "whatsapp",
      width: 220,
      render: (_, { whatsapp }) => <Name>{whatsapp.template?.name ?? whatsapp.text ?? ""}</Name>,
    },
    {
      title: t("messages.variables"),
      dataIndex: "variables",
      width: 200,
      render: (_, { variables }) => <Name>{variables.join(", ")}</Name>,
    },
    {
      title: t("messages.version"),
      dataIndex: "version",
      width: 90,
      render: (_, { version }) => <span className="figures">{version}</span>,
    },
    updatedColumn<Message>(190, orderOf, t),
    {
      title: t("list.actions"),
      key: "actions",
      fixed: "right",
      width: 96,
      render: (_, message) => (
        <RowActions name={message.name} edit={() => edit(message)} remove={() => remove(message)} />
      ),
    },
  ];
}
