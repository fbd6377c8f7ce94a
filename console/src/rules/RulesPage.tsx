import { useQuery } from "@tanstack/react-query";
import { Button, Space, type TableColumnsType, Tooltip } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Rule } from "../api/client";
import { rulesQuery } from "../api/queries";
import { DeleteDialog } from "../ui/DeleteDialog";
import { EmptyState } from "../ui/EmptyState";
import { DeleteOutlined, EditOutlined, PlusOutlined } from "../ui/icons";
import { ListTable } from "../ui/ListTable";
import { Name } from "../ui/Name";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { SearchBox } from "../ui/SearchBox";
import { duration } from "../ui/time";
import { useParam } from "../ui/useFilters";
import { countryName } from "./countries";
import { RuleDialog } from "./RuleDialog";
import { UsedBy } from "./UsedBy";

export default function RulesPage() {
  const { t } = useTranslation();
  const [search, setSearch] = useParam("search");
  const pages = useCursor();
  const rules = useQuery(rulesQuery({ search: search || undefined, cursor: pages.cursor }));
  const [editing, setEditing] = useState<{ rule?: Rule }>();
  const [deleting, setDeleting] = useState<Rule>();
  const columns = useColumns({ edit: (rule) => setEditing({ rule }), remove: setDeleting });
  const add = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setEditing({})}>
      {t("rules.add")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("rules.title")} about={t("rules.about")} actions={add} />
      <div className="toolbar">
        <SearchBox label={t("rules.search")} value={search} onChange={setSearch} />
      </div>
      <ListTable
        list={rules}
        columns={columns}
        empty={
          search ? (
            <EmptyState title={t("list.nothingFound")} />
          ) : (
            <EmptyState title={t("rules.none")} about={t("rules.first")} action={add} />
          )
        }
      />
      <Pager pages={pages} nextCursor={rules.data?.next_cursor} loading={rules.isFetching} />
      {editing && <RuleDialog rule={editing.rule} onClose={() => setEditing(undefined)} />}
      {deleting && (
        <DeleteDialog
          of="rules"
          item={deleting}
          onClose={() => setDeleting(undefined)}
          obstacle={deleting.used_by?.length ? <UsedBy policies={deleting.used_by} /> : undefined}
        />
      )}
    </>
  );
}

function useColumns({
  edit,
  remove,
}: {
  edit: (rule: Rule) => void;
  remove: (rule: Rule) => void;
}): TableColumnsType<Rule> {
  const { t, i18n } = useTranslation();
  return [
    {
      title: t("rules.name"),
      dataIndex: "name",
      rowScope: "row",
      className: "name-cell",
      render: (_, rule) => (
        <Link to={`/rules/${rule.id}`}>
          <Name>{rule.name}</Name>
        </Link>
      ),
    },
    { title: t("rules.type"), dataIndex: "type", render: (_, rule) => t(`rules.types.${rule.type}`) },
    {
      title: t("rules.wait"),
      dataIndex: "wait_seconds",
      render: (_, rule) => (rule.wait_seconds ? duration(rule.wait_seconds, t) : t("rules.onFailureOnly")),
    },
    {
      title: t("rules.sendID"),
      dataIndex: "send_id",
      render: (_, rule) => <span className="nowrap">{rule.send_id}</span>,
    },
    {
      title: t("rules.countries"),
      dataIndex: "countries",
      className: "countries-cell",
      render: (_, rule) => <Countries codes={rule.countries ?? []} language={i18n.language} />,
    },
    {
      title: t("rules.usedBy"),
      dataIndex: "used_by",
      render: (_, rule) =>
        rule.used_by?.length ? (
          <UsedBy policies={rule.used_by} most={3} />
        ) : (
          <span className="hint">{t("rules.unused")}</span>
        ),
    },
    {
      title: t("list.actions"),
      key: "actions",
      fixed: "right",
      render: (_, rule) => (
        <Space>
          <Button
            icon={<EditOutlined />}
            onClick={() => edit(rule)}
            aria-label={t("list.editNamed", { name: rule.name })}
          >
            <span className="wide-only">{t("list.edit")}</span>
          </Button>
          <Button
            danger
            icon={<DeleteOutlined />}
            onClick={() => remove(rule)}
            aria-label={t("list.deleteNamed", { name: rule.name })}
          >
            <span className="wide-only">{t("list.delete")}</span>
          </Button>
        </Space>
      ),
    },
  ];
}

function Countries({ codes, language }: { codes: string[]; language: string }) {
  const { t } = useTranslation();
  if (codes.length === 0) {
    return t("rules.everywhere");
  }
  const names = codes.map((code) => countryName(code, language)).join(", ");
  if (codes.length <= 3) {
    return names;
  }
  return (
    <Tooltip title={names}>
      <button type="button" className="plain-button" aria-label={names}>
        {codes.slice(0, 3).join(", ")} +{codes.length - 3}
      </button>
    </Tooltip>
  );
}
