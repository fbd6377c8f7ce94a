import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { answered, api, type Schemas } from "../api/client";
import { type CallbackItem, callbacksQuery } from "../api/queries";
import { May } from "../session/may";
import { EmptyState } from "../ui/EmptyState";
import { FilterChips } from "../ui/FilterChips";
import { RedoOutlined } from "../ui/icons";
import { ListTable } from "../ui/ListTable";
import type { ListColumn } from "../ui/listColumns";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { isRefusal, ProblemAlert } from "../ui/ProblemView";
import { TimeText } from "../ui/TimeText";
import { CallbackFilters } from "./CallbackFilters";
import { Answer, CallbackStateTag } from "./CallbackTags";
import { CallbackTries } from "./CallbackTries";
import { FailingEndpoints } from "./FailingEndpoints";
import { ReplayFailed } from "./ReplayFailed";
import { useCallbacksFilter } from "./useCallbacksFilter";

/** CallbacksPage lists the callbacks of all sends. */
export default function CallbacksPage() {
  const { t } = useTranslation();
  const filter = useCallbacksFilter();
  const pages = useCursor();
  const callbacks = useQuery(callbacksQuery({ ...filter.query, ...(pages.cursor ? { cursor: pages.cursor } : {}) }));
  const replay = useReplay();
  const columns = useColumns(replay.mutate);
  const clear = <Button onClick={filter.clear}>{t("list.clear")}</Button>;
  return (
    <>
      <PageHeader
        title={t("callbacks.title")}
        about={t("callbacks.about")}
        actions={
          <May scope="sends:write">
            <ReplayFailed where={filter.where} />
          </May>
        }
      />
      <FailingEndpoints onShow={(url) => filter.set({ url, send: "" })} />
      <CallbackFilters filter={filter} />
      <FilterChips chips={filter.chips} onClear={filter.clear} />
      {isRefusal(callbacks.error) && clear}
      {replay.error && <ProblemAlert error={replay.error} />}
      <ListTable
        list={callbacks}
        columns={columns}
        expandable={{ expandedRowRender: (callback) => <CallbackTries callback={callback} /> }}
        empty={
          filter.chips.length > 0 ? (
            <EmptyState title={t("list.nothingFound")} action={clear} />
          ) : (
            <EmptyState title={t("callbacks.none")} about={t("callbacks.noneMeans")} />
          )
        }
      />
      <Pager pages={pages} nextCursor={callbacks.data?.next_cursor} loading={callbacks.isPlaceholderData} />
    </>
  );
}

function useReplay() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id }: Schemas["Callback"]) =>
      answered(api.POST("/v1/callbacks/{id}/replay", { params: { path: { id } } })),
    onSuccess: () => {
      message.success(t("callbacks.replayed"));
      return client.invalidateQueries({ queryKey: ["callbacks"] });
    },
  });
}

function useColumns(replay: (callback: CallbackItem) => void): ListColumn<CallbackItem>[] {
  const { t } = useTranslation();
  return [
    {
      title: t("callbacks.event"),
      dataIndex: "event",
      rowScope: "row",
      width: 150,
      render: (_, { event }) => event,
    },
    {
      title: t("callbacks.state"),
      dataIndex: "state",
      role: "status",
      width: 115,
      render: (_, { state }) => <CallbackStateTag state={state} />,
    },
    {
      title: t("callbacks.answer"),
      key: "answer",
      width: 145,
      render: (_, { newest_try }) => <Answer of={newest_try} />,
    },
    { title: t("callbacks.tries"), dataIndex: "tries", width: 65, render: (_, { tries }) => tries },
    {
      title: t("callbacks.url"),
      dataIndex: "url",
      width: 195,
      render: (_, { url }) => <span className="break">{url}</span>,
    },
    {
      title: t("callbacks.send"),
      dataIndex: "send",
      width: 130,
      render: (_, { send }) => (
        <Link to={`/sends/${send}`} title={send}>
          …{send.slice(-12)}
        </Link>
      ),
    },
    {
      title: t("callbacks.created"),
      dataIndex: "created_at",
      width: 190,
      render: (_, { created_at: at }) => <TimeText at={at} />,
    },
    {
      title: t("list.actions"),
      key: "actions",
      fixed: "right",
      width: 80,
      render: (_, callback) => (
        <May scope="sends:write">
          <Button
            type="text"
            icon={<RedoOutlined />}
            onClick={() => replay(callback)}
            title={t("callbacks.replay")}
            aria-label={t("callbacks.replayNamed", { event: callback.event, send: callback.send })}
          />
        </May>
      ),
    },
  ];
}
