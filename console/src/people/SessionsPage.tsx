import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Popconfirm, Tag } from "antd";
import { useTranslation } from "react-i18next";
import { answered, api } from "../api/client";
import { consoleSessionsQuery, type SessionItem, sessionQuery } from "../api/queries";
import { EmptyState } from "../ui/EmptyState";
import { ListTable } from "../ui/ListTable";
import { type ListColumn, none } from "../ui/listColumns";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { TimeText } from "../ui/TimeText";

/** SessionsPage lists who is signed in to the console, and ends sessions. */
export default function SessionsPage() {
  const { t } = useTranslation();
  const pages = useCursor();
  const sessions = useQuery(consoleSessionsQuery(pages.cursor));
  return (
    <>
      <PageHeader title={t("people.title")} about={t("people.about")} />
      <ListTable list={sessions} columns={useColumns()} empty={<EmptyState title={t("people.none")} />} />
      <Pager pages={pages} nextCursor={sessions.data?.next_cursor} loading={sessions.isPlaceholderData} />
    </>
  );
}

/** nameOf returns who has signed in: a person or an API key. */
function nameOf({ person, key }: SessionItem): string {
  return person?.name ?? key?.name ?? "";
}

function useColumns(): ListColumn<SessionItem>[] {
  const { t } = useTranslation();
  return [
    {
      title: t("people.who"),
      key: "who",
      rowScope: "row",
      width: 240,
      render: (_, item) => (
        <>
          {nameOf(item)} {item.is_current && <Tag>{t("people.current")}</Tag>}
        </>
      ),
    },
    {
      title: t("people.role"),
      key: "role",
      width: 120,
      render: (_, { person }) => (person ? t(`people.roles.${person.role}`) : t("people.key")),
    },
    { title: t("people.address"), dataIndex: "address", width: 130, render: (_, { address }) => address ?? none },
    {
      title: t("people.browser"),
      dataIndex: "agent",
      width: 200,
      render: (_, { agent }) => <span className="break">{agent ?? none}</span>,
    },
    {
      title: t("people.since"),
      dataIndex: "created_at",
      width: 170,
      render: (_, item) => <TimeText at={item.created_at} />,
    },
    { title: t("people.seen"), dataIndex: "seen_at", width: 170, render: (_, item) => <TimeText at={item.seen_at} /> },
    {
      title: t("people.ends"),
      dataIndex: "expires_at",
      width: 170,
      render: (_, item) => <TimeText at={item.expires_at} />,
    },
    { title: t("list.actions"), key: "actions", width: 90, render: (_, item) => <End item={item} /> },
  ];
}

/** End ends a session, after the user has confirmed it. */
function End({ item }: { item: SessionItem }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const name = nameOf(item);
  const end = useMutation({
    mutationFn: () => answered(api.DELETE("/v1/sessions/{id}", { params: { path: { id: item.id } } })),
    onSuccess: () => message.success(t("people.ended")),
    onError: (error) => message.error(error.message),
    onSettled: () =>
      item.is_current
        ? client.invalidateQueries({ ...sessionQuery, exact: true }) // shows the sign-in
        : client.invalidateQueries({ queryKey: ["sessions"] }),
  });
  return (
    <Popconfirm
      title={t("people.endNamed", { name })}
      description={t("people.endQuestion")}
      okText={t("people.end")}
      onConfirm={() => end.mutate()}
    >
      <Button size="small" danger loading={end.isPending} aria-label={t("people.endNamed", { name })}>
        {t("people.end")}
      </Button>
    </Popconfirm>
  );
}
