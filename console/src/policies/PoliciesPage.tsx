import { useQuery } from "@tanstack/react-query";
import { Button, Space, type TableColumnsType } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Policy } from "../api/client";
import { policiesQuery } from "../api/queries";
import { ButtonLink } from "../ui/ButtonLink";
import { DeleteDialog } from "../ui/DeleteDialog";
import { EmptyState } from "../ui/EmptyState";
import { DeleteOutlined, EditOutlined, PlusOutlined, SendOutlined } from "../ui/icons";
import { ListTable } from "../ui/ListTable";
import { Name } from "../ui/Name";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { SearchBox } from "../ui/SearchBox";
import { TimeText } from "../ui/TimeText";
import { useParam } from "../ui/useFilters";
import { PolicyDialog } from "./PolicyDialog";
import { PolicyPicture } from "./PolicyPicture";

export default function PoliciesPage() {
  const { t } = useTranslation();
  const [search, setSearch] = useParam("search");
  const pages = useCursor();
  const policies = useQuery(policiesQuery({ search: search || undefined, cursor: pages.cursor }));
  const [editing, setEditing] = useState<{ policy?: Policy }>();
  const [deleting, setDeleting] = useState<Policy>();
  const columns = useColumns({ edit: (policy) => setEditing({ policy }), remove: setDeleting });
  const add = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setEditing({})}>
      {t("policies.add")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("policies.title")} about={t("policies.about")} actions={add} />
      <div className="toolbar">
        <SearchBox label={t("policies.search")} value={search} onChange={setSearch} />
      </div>
      <ListTable
        list={policies}
        columns={columns}
        expandable={{ expandedRowRender: (policy) => <PolicyPicture rules={policy.rules} /> }}
        empty={
          search ? (
            <EmptyState title={t("list.nothingFound")} />
          ) : (
            <EmptyState title={t("policies.none")} about={t("policies.first")} action={add} />
          )
        }
      />
      <Pager pages={pages} nextCursor={policies.data?.next_cursor} loading={policies.isFetching} />
      {editing && <PolicyDialog policy={editing.policy} onClose={() => setEditing(undefined)} />}
      {deleting && <DeleteDialog of="policies" item={deleting} onClose={() => setDeleting(undefined)} />}
    </>
  );
}

function useColumns({
  edit,
  remove,
}: {
  edit: (policy: Policy) => void;
  remove: (policy: Policy) => void;
}): TableColumnsType<Policy> {
  const { t } = useTranslation();
  return [
    {
      title: t("policies.name"),
      dataIndex: "name",
      rowScope: "row",
      className: "name-cell",
      render: (_, policy) => (
        <Link to={`/policies/${policy.id}`}>
          <Name>{policy.name}</Name>
        </Link>
      ),
    },
    {
      title: t("policies.included"),
      dataIndex: "rules",
      render: (_, policy) => (
        <ol className="inline-list numbered">
          {policy.rules.map((rule) => (
            <li key={rule.id}>
              <Link to={`/rules/${rule.id}`}>
                <Name>{rule.name}</Name>
              </Link>
            </li>
          ))}
        </ol>
      ),
    },
    {
      title: t("list.updated"),
      dataIndex: "updated_at",
      render: (_, policy) => <TimeText at={policy.updated_at} />,
    },
    {
      title: t("list.actions"),
      key: "actions",
      fixed: "right",
      render: (_, policy) => (
        <Space>
          <Button
            icon={<EditOutlined />}
            onClick={() => edit(policy)}
            aria-label={t("list.editNamed", { name: policy.name })}
          >
            <span className="wide-only">{t("list.edit")}</span>
          </Button>
          <ButtonLink
            to={`/sends?policy=${policy.id}`}
            icon={<SendOutlined />}
            title={t("policies.sendsOf", { name: policy.name })}
            aria-label={t("policies.sendsOf", { name: policy.name })}
          />
          <Button
            danger
            icon={<DeleteOutlined />}
            onClick={() => remove(policy)}
            aria-label={t("list.deleteNamed", { name: policy.name })}
          >
            <span className="wide-only">{t("list.delete")}</span>
          </Button>
        </Space>
      ),
    },
  ];
}
