import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { accountsQuery, providersQuery, type TemplateItem, templatesQuery } from "../api/queries";
import { useMay } from "../session/may";
import { ButtonLink } from "../ui/ButtonLink";
import { EmptyState } from "../ui/EmptyState";
import { FilterChips } from "../ui/FilterChips";
import { SendOutlined } from "../ui/icons";
import { ListTable } from "../ui/ListTable";
import { type ListColumn, none } from "../ui/listColumns";
import { Name } from "../ui/Name";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { isRefusal } from "../ui/ProblemView";
import { duration } from "../ui/time";
import { NoTemplates } from "./NoTemplates";
import { SyncNotes } from "./SyncNotes";
import { listersOf } from "./sync";
import { TemplateFilters } from "./TemplateFilters";
import { TemplatePreview } from "./TemplatePreview";
import { Category, QualityTag, TemplateStatus } from "./TemplateTags";
import { isCategory, isSendable, languageText } from "./template";
import { useTemplatesFilter } from "./useTemplatesFilter";

/** TemplatesPage lists the WhatsApp templates of all accounts. */
export default function TemplatesPage() {
  const { t } = useTranslation();
  const filter = useTemplatesFilter();
  const pages = useCursor();
  const templates = useQuery({
    ...templatesQuery({ ...filter.query, ...(pages.cursor ? { cursor: pages.cursor } : {}) }),
    refetchInterval: 30_000,
  });
  const providers = useQuery(providersQuery).data?.items ?? [];
  const accounts = useQuery(accountsQuery({ channel: "whatsapp", limit: 200, sort: "name" })).data?.items ?? [];
  const listers = listersOf(accounts, providers);
  const shown = filter.values.account ? listers.filter(({ name }) => name === filter.values.account) : listers;
  const columns = useColumns();
  const clear = <Button onClick={filter.clear}>{t("list.clear")}</Button>;
  return (
    <>
      <PageHeader title={t("templates.title")} about={t("templates.about")} />
      <TemplateFilters filter={filter} accounts={listers} />
      <FilterChips chips={filter.chips} onClear={filter.clear} />
      {isRefusal(templates.error) && clear}
      <SyncNotes accounts={shown} providers={providers} />
      <ListTable
        list={templates}
        columns={columns}
        expandable={{ expandedRowRender: (template) => <TemplatePreview template={template} /> }}
        empty={
          filter.chips.some(({ key }) => key !== "account") ? (
            <EmptyState title={t("list.nothingFound")} action={clear} />
          ) : (
            <NoTemplates accounts={shown} providers={providers} />
          )
        }
      />
      <Pager pages={pages} nextCursor={templates.data?.next_cursor} loading={templates.isPlaceholderData} />
    </>
  );
}

function useColumns(): ListColumn<TemplateItem>[] {
  const { t, i18n } = useTranslation();
  return [
    {
      title: t("templates.name"),
      dataIndex: "name",
      rowScope: "row",
      className: "name-cell",
      width: 190,
      render: (_, { name }) => <Name>{name}</Name>,
    },
    {
      title: t("templates.language"),
      dataIndex: "language",
      width: 190,
      render: (_, { language }) => languageText(language, i18n.language),
    },
    {
      title: t("templates.status"),
      dataIndex: "status",
      role: "status",
      width: 130,
      render: (_, template) => <TemplateStatus template={template} />,
    },
    {
      title: t("templates.category"),
      dataIndex: "category",
      width: 170,
      render: (_, template) => <Category template={template} />,
    },
    {
      title: t("templates.quality"),
      dataIndex: "quality",
      width: 100,
      render: (_, { quality }) => <QualityTag quality={quality} />,
    },
    {
      title: t("templates.ttl"),
      dataIndex: "ttl_seconds",
      width: 115,
      render: (_, { ttl_seconds: seconds }) => <span title={t("templates.ttlMeans")}>{duration(seconds, t)}</span>,
    },
    {
      title: t("templates.account"),
      dataIndex: "account",
      width: 120,
      render: (_, { account }) => <Name>{account}</Name>,
    },
    {
      title: t("list.actions"),
      key: "actions",
      fixed: "right",
      width: 96,
      render: (_, template) => (isSendable(template) ? <SendLink template={template} /> : none),
    },
  ];
}

function SendLink({ template: { account, name, language, category } }: { template: TemplateItem }) {
  const { t } = useTranslation();
  const maySend = useMay("sends:write");
  const given = { account, template: name, language, ...(isCategory(category) && { category }) };
  if (!maySend) {
    return none;
  }
  return (
    <ButtonLink
      type="text"
      icon={<SendOutlined />}
      to={`/sends/new?${new URLSearchParams(given)}`}
      aria-label={t("templates.sendWith", { name, language })}
      title={t("templates.send")}
    />
  );
}
