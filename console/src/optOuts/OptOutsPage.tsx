import { useQuery } from "@tanstack/react-query";
import { Button, Space } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../api/client";
import { optOutsQuery } from "../api/queries";
import { csvPath } from "../sends/filter";
import { May, useMay } from "../session/may";
import { EmptyState } from "../ui/EmptyState";
import { FilterChips } from "../ui/FilterChips";
import { DeleteOutlined, DownloadOutlined, PlusOutlined, UploadOutlined } from "../ui/icons";
import { ListTable } from "../ui/ListTable";
import { type ListColumn, none } from "../ui/listColumns";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { isRefusal } from "../ui/ProblemView";
import { TimeText } from "../ui/TimeText";
import { AddDialog } from "./AddDialog";
import { History } from "./History";
import { ImportDialog } from "./ImportDialog";
import { OptOutFilters } from "./OptOutFilters";
import { RemoveDialog } from "./RemoveDialog";
import { SourceText } from "./SourceText";
import { type OptOutsFilter, useOptOutsFilter } from "./useOptOutsFilter";

type Entry = Schemas["OptOut"];

/** OptOutsPage lists those who want no messages, over both channels and all accounts. */
export default function OptOutsPage() {
  const { t } = useTranslation();
  const filter = useOptOutsFilter();
  const pages = useCursor();
  const entries = useQuery({
    ...optOutsQuery({ ...filter.query, total: true, ...(pages.cursor ? { cursor: pages.cursor } : {}) }),
    refetchInterval: 30_000,
  });
  const [dialog, setDialog] = useState<"add" | "import">();
  const [removing, setRemoving] = useState<Entry>();
  const add = useMay("settings:write") && (
    <Space wrap>
      <Button icon={<UploadOutlined />} onClick={() => setDialog("import")}>
        {t("optOuts.import")}
      </Button>
      <Button type="primary" icon={<PlusOutlined />} onClick={() => setDialog("add")}>
        {t("optOuts.add")}
      </Button>
    </Space>
  );
  const clear = <Button onClick={filter.clear}>{t("list.clear")}</Button>;
  return (
    <>
      <PageHeader title={t("optOuts.title")} about={t("optOuts.about")} actions={add} />
      <OptOutFilters filter={filter} />
      <FilterChips chips={filter.chips} onClear={filter.clear} />
      {isRefusal(entries.error) ? clear : <ListHead filter={filter} list={entries} />}
      <ListTable
        list={entries}
        columns={useColumns(setRemoving)}
        expandable={{ expandedRowRender: ({ to }) => <History number={to} /> }}
        empty={
          filter.chips.length > 0 ? (
            <EmptyState title={t("list.nothingFound")} action={clear} />
          ) : (
            <EmptyState title={t("optOuts.none")} about={t("optOuts.noneMeans")} />
          )
        }
      />
      <Pager pages={pages} nextCursor={entries.data?.next_cursor} loading={entries.isPlaceholderData} />
      {dialog === "add" && <AddDialog onClose={() => setDialog(undefined)} />}
      {dialog === "import" && <ImportDialog onClose={() => setDialog(undefined)} />}
      {removing && <RemoveDialog entry={removing} onClose={() => setRemoving(undefined)} />}
    </>
  );
}

interface HeadProps {
  filter: OptOutsFilter;
  list: { data?: Schemas["OptOutList"] | undefined; isPlaceholderData: boolean };
}

/** ListHead has the number of entries and the file of them. */
function ListHead({ filter, list }: HeadProps) {
  const { t, i18n } = useTranslation();
  const total = list.isPlaceholderData ? undefined : list.data?.total;
  const number = new Intl.NumberFormat(i18n.language).format(total?.count ?? 0);
  return (
    <div className="list-head">
      <strong role="status">
        {total &&
          (total.is_exact ? t("optOuts.total", { count: total.count, number }) : t("optOuts.moreThan", { number }))}
      </strong>
      <Button
        type="link"
        icon={<DownloadOutlined />}
        href={csvPath(filter.query, "/v1/opt-outs.csv")}
        download
        disabled={total?.count === 0}
      >
        {t("sends.csv")}
      </Button>
    </div>
  );
}

function useColumns(remove: (entry: Entry) => void): ListColumn<Entry>[] {
  const { t } = useTranslation();
  return [
    {
      title: t("optOuts.number"),
      dataIndex: "to",
      rowScope: "row",
      width: 160,
      render: (_, { to }) => <Link to={`/sends?to=${encodeURIComponent(to)}`}>{to}</Link>,
    },
    {
      title: t("optOuts.category"),
      dataIndex: "category",
      width: 150,
      render: (_, { category }) => t(`optOuts.categories.${category}`),
    },
    {
      title: t("optOuts.since"),
      dataIndex: "since",
      width: 240,
      render: (_, { since }) => <TimeText at={since} />,
    },
    {
      title: t("optOuts.source"),
      dataIndex: "source",
      width: 250,
      render: (_, entry) => <SourceText origin={entry} />,
    },
    {
      title: t("optOuts.note"),
      dataIndex: "note",
      width: 200,
      render: (_, { note }) => note ?? none,
    },
    {
      title: t("list.actions"),
      key: "actions",
      fixed: "right",
      width: 96,
      render: (_, entry) => (
        <May scope="settings:write">
          <Button
            type="text"
            danger
            icon={<DeleteOutlined />}
            onClick={() => remove(entry)}
            title={t("optOuts.remove")}
            aria-label={t("optOuts.removeNamed", {
              number: entry.to,
              category: t(`optOuts.categories.${entry.category}`),
            })}
          />
        </May>
      ),
    },
  ];
}
