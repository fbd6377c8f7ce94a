import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { erasuresQuery } from "../api/queries";
import { EmptyState } from "../ui/EmptyState";
import { ListTable } from "../ui/ListTable";
import { type ListColumn, none } from "../ui/listColumns";
import { Pager, useCursor } from "../ui/Pager";
import { TimeText } from "../ui/TimeText";
import { ErasureFacts } from "./ErasureFacts";

type Erasure = Schemas["Erasure"];

/** Erasures lists the erasures. None has a number. */
export function Erasures() {
  const { t } = useTranslation();
  const pages = useCursor();
  const list = useQuery(erasuresQuery(pages.cursor ? { cursor: pages.cursor } : {}));
  return (
    <section aria-labelledby="erasures" className="person-erasures">
      <h2 id="erasures">{t("persons.erasures")}</h2>
      <ListTable
        list={list}
        columns={useColumns()}
        expandable={{ expandedRowRender: (erasure) => <ErasureFacts erasure={erasure} /> }}
        empty={<EmptyState title={t("persons.none")} />}
      />
      <Pager pages={pages} nextCursor={list.data?.next_cursor} loading={list.isPlaceholderData} />
    </section>
  );
}

function useColumns(): ListColumn<Erasure>[] {
  const { t } = useTranslation();
  return [
    {
      title: t("persons.began"),
      dataIndex: "created_at",
      rowScope: "row",
      width: 240,
      render: (_, { created_at: at }) => <TimeText at={at} />,
    },
    {
      title: t("persons.ended"),
      dataIndex: "finished_at",
      width: 240,
      render: (_, { finished_at: at }) => (at ? <TimeText at={at} /> : none),
    },
    {
      title: t("persons.state"),
      dataIndex: "state",
      width: 120,
      render: (_, { state }) => t(`persons.states.${state}`),
    },
    {
      title: t("persons.optOut"),
      dataIndex: "keep_opt_out",
      width: 160,
      render: (_, { keep_opt_out: kept }) => t(kept ? "persons.kept" : "persons.removed"),
    },
    { title: t("persons.cancelledSends"), dataIndex: "cancelled_sends", width: 160 },
  ];
}
