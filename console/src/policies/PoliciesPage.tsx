import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Policy } from "../api/client";
import { policiesQuery } from "../api/queries";
import { ListTotal } from "../rules/ListTotal";
import { RuleFilters } from "../rules/RuleFilters";
import { type ListFilter, useListFilter } from "../rules/useListFilter";
import { sendsPath } from "../sends/filter";
import { ButtonLink } from "../ui/ButtonLink";
import { DeleteDialog } from "../ui/DeleteDialog";
import { EmptyState } from "../ui/EmptyState";
import { FilterChips } from "../ui/FilterChips";
import { DeleteOutlined, EditOutlined, PlusOutlined, SendOutlined } from "../ui/icons";
import { ListTable } from "../ui/ListTable";
import type { ListColumn } from "../ui/listColumns";
import { Name } from "../ui/Name";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { isRefusal } from "../ui/ProblemView";
import { TimeText } from "../ui/TimeText";
import { PolicyDialog } from "./PolicyDialog";
import { PolicyPicture } from "./PolicyPicture";

export default function PoliciesPage() {
  const { t } = useTranslation();
  const filter = useListFilter("search", "type", "sender", "country");
  const pages = useCursor();
  const policies = useQuery(policiesQuery({ ...filter.query, cursor: pages.cursor, total: true }));
  const [editing, setEditing] = useState<{ policy?: Policy }>();
  const [deleting, setDeleting] = useState<Policy>();
  const columns = useColumns(filter, { edit: (policy) => setEditing({ policy }), remove: setDeleting });
  const add = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setEditing({})}>
      {t("policies.add")}
    </Button>
  );
  const clear = <Button onClick={filter.clear}>{t("list.clear")}</Button>;
  return (
    <>
      <PageHeader title={t("policies.title")} about={t("policies.about")} actions={add} />
      <RuleFilters filter={filter} search={t("policies.search")} />
      <FilterChips chips={filter.chips} onClear={filter.clear} />
      {isRefusal(policies.error) ? clear : <ListTotal of="policies" list={policies} />}
      <ListTable
        list={policies}
        columns={columns}
        onChange={filter.onSort}
        expandable={{ expandedRowRender: (policy) => <PolicyPicture rules={policy.rules} /> }}
        empty={
          filter.chips.length > 0 ? (
            <EmptyState title={t("list.nothingFound")} action={clear} />
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

function useColumns(
  { orderOf }: ListFilter,
  { edit, remove }: { edit: (policy: Policy) => void; remove: (policy: Policy) => void },
): ListColumn<Policy>[] {
  const { t } = useTranslation();
  return [
    {
      title: t("policies.name"),
      dataIndex: "name",
      rowScope: "row",
      className: "name-cell",
      width: 240,
      sorter: true,
      sortOrder: orderOf("name"),
      orders: { ascend: t("list.byName"), descend: t("list.byNameBackwards") },
      render: (_, policy) => (
        <Link to={`/policies/${policy.id}`}>
          <Name>{policy.name}</Name>
        </Link>
      ),
    },
    {
      title: t("policies.included"),
      dataIndex: "rules",
      width: 480,
      render: (_, policy) => <RuleChain rules={policy.rules} />,
    },
    {
      title: t("list.updated"),
      dataIndex: "updated_at",
      width: 185,
      sorter: true,
      sortOrder: orderOf("updated_at"),
      sortDirections: ["descend", "ascend"],
      orders: { ascend: t("list.oldestChange"), descend: t("list.newestChange") },
      render: (_, policy) => <TimeText at={policy.updated_at} />,
    },
    {
      title: t("list.actions"),
      key: "actions",
      fixed: "right",
      width: 132,
      render: (_, policy) => <Actions policy={policy} edit={edit} remove={remove} />,
    },
  ];
}

const shownRules = 3;

/** RuleChain has the first rules of a policy, in its order, on one line. */
function RuleChain({ rules }: { rules: Policy["rules"] }) {
  const { t } = useTranslation();
  const more = rules.length - shownRules;
  return (
    <ol className="chain">
      {rules.slice(0, shownRules).map((rule) => (
        <li key={rule.id}>
          <Link to={`/rules/${rule.id}`}>
            <Name>{rule.name}</Name>
          </Link>
        </li>
      ))}
      {more > 0 && <li>{t("policies.moreRules", { count: more })}</li>}
    </ol>
  );
}

interface ActionsProps {
  policy: Policy;
  edit: (policy: Policy) => void;
  remove: (policy: Policy) => void;
}

function Actions({ policy, edit, remove }: ActionsProps) {
  const { t } = useTranslation();
  return (
    <span className="row-actions">
      <Button
        type="text"
        icon={<EditOutlined />}
        onClick={() => edit(policy)}
        title={t("list.edit")}
        aria-label={t("list.editNamed", { name: policy.name })}
      />
      <ButtonLink
        type="text"
        to={sendsPath({ policy: policy.id })}
        icon={<SendOutlined />}
        title={t("policies.sendsOf", { name: policy.name })}
        aria-label={t("policies.sendsOf", { name: policy.name })}
      />
      <Button
        type="text"
        danger
        icon={<DeleteOutlined />}
        onClick={() => remove(policy)}
        title={t("list.delete")}
        aria-label={t("list.deleteNamed", { name: policy.name })}
      />
    </span>
  );
}
