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
import { useMay } from "../session/may";
import { ButtonLink } from "../ui/ButtonLink";
import { DeleteDialog } from "../ui/DeleteDialog";
import { EmptyState } from "../ui/EmptyState";
import { FilterChips } from "../ui/FilterChips";
import { RowActions } from "../ui/ItemActions";
import { PlusOutlined, SendOutlined } from "../ui/icons";
import { nameColumn, updatedColumn } from "../ui/itemColumns";
import { ListTable } from "../ui/ListTable";
import type { ListColumn } from "../ui/listColumns";
import { Name } from "../ui/Name";
import { PageHeader } from "../ui/PageHeader";
import { Pager, useCursor } from "../ui/Pager";
import { isRefusal } from "../ui/ProblemView";
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
  const add = useMay("settings:write") && (
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
      <Pager pages={pages} nextCursor={policies.data?.next_cursor} loading={policies.isPlaceholderData} />
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
    nameColumn("policies", 240, orderOf, t),
    {
      title: t("policies.included"),
      dataIndex: "rules",
      width: 480,
      render: (_, policy) => <RuleChain rules={policy.rules} />,
    },
    updatedColumn(185, orderOf, t),
    {
      title: t("list.actions"),
      key: "actions",
      fixed: "right",
      width: 132,
      render: (_, policy) => (
        <RowActions name={policy.name} edit={() => edit(policy)} remove={() => remove(policy)}>
          <ButtonLink
            type="text"
            to={sendsPath({ policy: policy.id })}
            icon={<SendOutlined />}
            title={t("policies.sendsOf", { name: policy.name })}
            aria-label={t("policies.sendsOf", { name: policy.name })}
          />
        </RowActions>
      ),
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
