import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import type { TFunction } from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { type KeyItem, keysQuery } from "../api/queries";
import { EmptyState } from "../ui/EmptyState";
import { DeleteOutlined, EditOutlined, PlusOutlined, SyncOutlined } from "../ui/icons";
import { ListTable } from "../ui/ListTable";
import { type ListColumn, none } from "../ui/listColumns";
import { Name } from "../ui/Name";
import { PageHeader } from "../ui/PageHeader";
import { isRefusal } from "../ui/ProblemView";
import { useRelative } from "../ui/relativeTime";
import { zonedTime } from "../ui/time";
import { KeyDetails } from "./KeyDetails";
import { KeyDialog } from "./KeyDialog";
import { NewSecret } from "./NewSecret";
import { RevokeDialog } from "./RevokeDialog";
import { RotateDialog } from "./RotateDialog";

type Dialog = { of: "edit"; item?: KeyItem } | { of: "rotate" | "revoke"; item: KeyItem };

/** ApiKeysPage lists the API keys. A new or rotated key is shown once. */
export default function ApiKeysPage() {
  const { t } = useTranslation();
  const keys = useQuery(keysQuery);
  const [dialog, setDialog] = useState<Dialog>();
  const [made, setMade] = useState<Schemas["NewKey"]>();
  const close = () => setDialog(undefined);
  const add = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setDialog({ of: "edit" })}>
      {t("keys.add")}
    </Button>
  );
  return (
    <>
      <PageHeader title={t("keys.title")} about={t("keys.about")} actions={!isRefusal(keys.error) && add} />
      <ListTable
        list={keys}
        columns={useColumns(setDialog)}
        expandable={{ expandedRowRender: (item) => <KeyDetails item={item} /> }}
        empty={<EmptyState title={t("keys.none")} about={t("keys.noneMeans")} action={add} />}
      />
      {dialog?.of === "edit" && <KeyDialog item={dialog.item} onCreated={setMade} onClose={close} />}
      {dialog?.of === "rotate" && <RotateDialog item={dialog.item} onRotated={setMade} onClose={close} />}
      {dialog?.of === "revoke" && <RevokeDialog item={dialog.item} onClose={close} />}
      {made && <NewSecret made={made} onClose={() => setMade(undefined)} />}
    </>
  );
}

function useColumns(open: (dialog: Dialog) => void): ListColumn<KeyItem>[] {
  const { t } = useTranslation();
  return [
    {
      title: t("keys.name"),
      dataIndex: "name",
      rowScope: "row",
      className: "name-cell",
      width: 150,
      render: (_, { name }) => <Name>{name}</Name>,
    },
    { title: t("keys.prefix"), dataIndex: "prefix", width: 160, render: (_, { prefix }) => <code>{prefix}</code> },
    { title: t("keys.kind"), dataIndex: "kind", width: 60, render: (_, { kind }) => t(`keys.kinds.${kind}`) },
    { title: t("keys.scopes"), dataIndex: "scopes", width: 175, render: (_, { scopes }) => scopes.join(", ") },
    { title: t("keys.limits"), key: "limits", width: 160, render: (_, item) => limitsText(item, t) || none },
    {
      title: t("keys.lastUsed"),
      dataIndex: "last_used_at",
      width: 95,
      render: (_, { last_used_at: at }) => (at ? <Distance at={at} /> : t("keys.unused")),
    },
    {
      title: t("keys.expires"),
      dataIndex: "expires_at",
      width: 85,
      render: (_, { expires_at: at }) => (at ? <Distance at={at} /> : t("keys.never")),
    },
    {
      title: t("list.created"),
      dataIndex: "created_at",
      width: 90,
      render: (_, { created_at }) => <Distance at={created_at} />,
    },
    {
      title: t("list.actions"),
      key: "actions",
      fixed: "right",
      width: 132,
      render: (_, item) => <Actions item={item} open={open} />,
    },
  ];
}

function limitsText({ policies, accounts, rate_limit }: KeyItem, t: TFunction): string {
  return [
    policies.length > 0 && t("keys.policyCount", { count: policies.length }),
    accounts.length > 0 && t("keys.accountCount", { count: accounts.length }),
    rate_limit > 0 && t("keys.perSecond", { count: rate_limit }),
  ]
    .filter(Boolean)
    .join(", ");
}

/** Distance shows a time as its distance from now. Its title has the time. */
function Distance({ at }: { at: string }) {
  const { i18n } = useTranslation();
  return (
    <time dateTime={at} title={zonedTime(at, i18n.language)}>
      {useRelative(at)}
    </time>
  );
}

function Actions({ item, open }: { item: KeyItem; open: (dialog: Dialog) => void }) {
  const { t } = useTranslation();
  const { name } = item;
  return (
    <span className="row-actions">
      <Button
        type="text"
        icon={<EditOutlined />}
        onClick={() => open({ of: "edit", item })}
        title={t("list.edit")}
        aria-label={t("list.editNamed", { name })}
      />
      <Button
        type="text"
        icon={<SyncOutlined />}
        onClick={() => open({ of: "rotate", item })}
        title={t("keys.rotate")}
        aria-label={t("keys.rotateNamed", { name })}
      />
      <Button
        type="text"
        danger
        icon={<DeleteOutlined />}
        onClick={() => open({ of: "revoke", item })}
        title={t("keys.revoke")}
        aria-label={t("keys.revokeNamed", { name })}
      />
    </span>
  );
}
