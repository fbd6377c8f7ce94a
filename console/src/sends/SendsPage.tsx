import { useQuery } from "@tanstack/react-query";
import { Button, Space } from "antd";
import { useTranslation } from "react-i18next";
import { ProblemError, type SendSummary, type Session, serverNow } from "../api/client";
import { sendsQuery } from "../api/queries";
import { May, useMay } from "../session/may";
import { ButtonLink } from "../ui/ButtonLink";
import { EmptyState } from "../ui/EmptyState";
import { FilterChips } from "../ui/FilterChips";
import { DownloadOutlined, PlusOutlined } from "../ui/icons";
import { ListTable } from "../ui/ListTable";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { isRefusal } from "../ui/ProblemView";
import { csvPath } from "./filter";
import { rangeBounds } from "./range";
import { SendFilters } from "./SendFilters";
import { useColumns } from "./useColumns";
import { useFilterChips } from "./useFilterWords";
import { type SendsFilter, useSendsFilter } from "./useSendsFilter";

const refresh = 5_000; // ms, of the first page
const refreshTotal = 15_000; // ms

export default function SendsPage({ session }: { session: Session }) {
  const { t } = useTranslation();
  const filter = useSendsFilter();
  const pages = useCursor();
  const sends = useQuery({
    ...sendsQuery({ ...filter.query, cursor: pages.cursor }, filter.values.range),
    refetchInterval: pages.page === 1 ? refresh : false,
  });
  const chips = useFilterChips(filter, sends.data?.items ?? []);
  const add = useMay("sends:write") && (
    <ButtonLink to="/sends/new" type="primary" icon={<PlusOutlined />}>
      {t("sends.new")}
    </ButtonLink>
  );
  return (
    <>
      <PageHeader title={t("sends.title")} about={t("sends.aboutPage")} actions={add} />
      <SendFilters filter={filter} active={chips.length} />
      <FilterChips chips={chips} onClear={filter.clear} />
      {isRefusal(sends.error) ? (
        <Refused filter={filter} error={sends.error} onFirstPage={pages.first} />
      ) : (
        <ListHead filter={filter} isOnlyPage={pages.page === 1 && !sends.data?.next_cursor} sends={sends} />
      )}
      <ListTable
        list={sends}
        columns={useColumns(filter.isOldestFirst)}
        onChange={(_, __, sorter) => filter.sort(!Array.isArray(sorter) && sorter.order === "ascend")}
        empty={
          filter.isSet ? (
            <NoMatch filter={filter} words={chips.map(({ label }) => label)} />
          ) : (
            <NoneYet isSandbox={session.sandbox} />
          )
        }
      />
      <Pager pages={pages} nextCursor={sends.data?.next_cursor} loading={sends.isPlaceholderData} />
    </>
  );
}

interface HeadProps {
  filter: SendsFilter;
  isOnlyPage: boolean;
  sends: { data?: { items: SendSummary[] } | undefined; isPlaceholderData: boolean };
}

/** ListHead has the number of sends and the file of them. The number of a list of one page is its length. */
function ListHead({ filter, isOnlyPage, sends }: HeadProps) {
  const { t, i18n } = useTranslation();
  const isLoaded = sends.data !== undefined && !sends.isPlaceholderData;
  const counted = useQuery({
    ...sendsQuery({ ...filter.query, limit: 1, total: true }, filter.values.range),
    enabled: isLoaded && !isOnlyPage,
    refetchInterval: refreshTotal,
  });
  const only = { count: sends.data?.items.length ?? 0, is_exact: true };
  const total = isOnlyPage ? only : counted.isPlaceholderData ? undefined : counted.data?.total;
  const number = new Intl.NumberFormat(i18n.language).format(total?.count ?? 0);
  const isShown = isLoaded && total !== undefined;
  return (
    <div className="list-head">
      <strong role="status">
        {isShown &&
          (total.is_exact ? t("sends.total", { count: total.count, number }) : t("sends.moreThan", { number }))}
      </strong>
      <Button
        type="link"
        icon={<DownloadOutlined />}
        href={csvPath({ ...filter.query, ...rangeBounds(filter.values.range, serverNow()) })}
        download
        disabled={isShown && total.count === 0}
      >
        {t("sends.csv")}
      </Button>
    </div>
  );
}

/** NoneYet leads to the first send. */
function NoneYet({ isSandbox }: { isSandbox: boolean }) {
  const { t } = useTranslation();
  return (
    <EmptyState
      title={t("sends.none")}
      about={t("sends.first")}
      action={
        <Space wrap>
          <ButtonLink to="/start">{t("start.title")}</ButtonLink>
          <May scope="sends:write">
            <ButtonLink to={isSandbox ? "/sends/new?scenario=04" : "/sends/new"} type="primary">
              {t(isSandbox ? "start.sendTest" : "sends.new")}
            </ButtonLink>
          </May>
        </Space>
      }
    />
  );
}

/** NoMatch says which filters no send passes, and how to find more. */
function NoMatch({ filter, words }: { filter: SendsFilter; words: string[] }) {
  const { t, i18n } = useTranslation();
  const { range, from, until } = filter.values;
  const hasTime = range !== "" || from !== "" || until !== "";
  const filters = new Intl.ListFormat(i18n.language, { type: "unit" }).format(words);
  return (
    <EmptyState
      title={t("sends.noMatch")}
      about={t("sends.noMatchFor", { filters })}
      action={
        <Space wrap>
          {hasTime && words.length > 1 && (
            <Button onClick={() => filter.remove("range", "from", "until")}>{t("sends.anyTime")}</Button>
          )}
          <Button onClick={filter.clear}>{t("list.clear")}</Button>
        </Space>
      }
    />
  );
}

/** Refused offers to remove the filters that the API refuses. The list itself shows the reason. */
function Refused({ filter, error, onFirstPage }: { filter: SendsFilter; error: unknown; onFirstPage: () => void }) {
  const { t } = useTranslation();
  const fields = (error instanceof ProblemError && error.problem?.errors) || [];
  const refused = filter.refused(fields);
  const hasBadCursor = fields.some(({ field }) => field === "cursor");
  return (
    <Space wrap>
      {hasBadCursor && <Button onClick={onFirstPage}>{t("list.firstPage")}</Button>}
      {refused.length > 0 && (
        <Button type="primary" onClick={() => filter.remove(...refused)}>
          {t("sends.wrongFilter")}
        </Button>
      )}
      <Button onClick={filter.clear}>{t("list.clear")}</Button>
    </Space>
  );
}
