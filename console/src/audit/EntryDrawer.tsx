import { Descriptions, Drawer, Table } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { AuditEntry } from "../api/queries";
import { none } from "../ui/listColumns";
import { TimeText } from "../ui/TimeText";
import { useFocusReturn } from "../ui/useFocusReturn";
import { type Difference, differences } from "./diff";
import { useEntryText } from "./useEntryText";

const pages: Partial<Record<AuditEntry["kind"], string>> = {
  rule: "/rules/",
  policy: "/policies/",
  message: "/messages/",
  account: "/accounts/",
  send: "/sends/",
};

/** EntryDrawer shows one entry of the audit log, with what differs between before and after. */
export function EntryDrawer({ entry, onClose }: { entry: AuditEntry; onClose: () => void }) {
  const { t } = useTranslation();
  useFocusReturn();
  const text = useEntryText();
  const page = entry.target && pages[entry.kind];
  const { actor } = entry;
  const facts = [
    { label: t("audit.when"), children: <TimeText at={entry.at} withZone /> },
    { label: t("audit.who"), children: text.actor(entry) },
    actor.id && { label: t("audit.actorId"), children: <Link to={`/audit?actor=${actor.id}`}>{actor.id}</Link> },
    actor.from && { label: t("audit.from"), children: actor.from },
    {
      label: t("audit.what"),
      children: page ? <Link to={page + entry.target}>{text.thing(entry)}</Link> : text.thing(entry),
    },
    entry.target && {
      label: t("sends.id"),
      children: <Link to={`/audit?kind=${entry.kind}&target=${entry.target}`}>{entry.target}</Link>,
    },
  ].filter((fact) => typeof fact === "object");
  return (
    <Drawer open onClose={onClose} size={720} title={`${t(`audit.actions.${entry.action}`)}: ${text.thing(entry)}`}>
      <Descriptions size="small" column={1} items={facts.map((fact) => ({ ...fact, key: fact.label }))} />
      <Differences of={differences(entry.before, entry.after)} />
    </Drawer>
  );
}

function Differences({ of }: { of: Difference[] }) {
  const { t } = useTranslation();
  if (of.length === 0) {
    return <p className="hint">{t("audit.noDifference")}</p>;
  }
  const state = (text: string | undefined) =>
    text === undefined ? none : <span className="break">{text || none}</span>;
  return (
    <Table<Difference>
      size="small"
      pagination={false}
      rowKey="field"
      dataSource={of}
      columns={[
        {
          title: t("audit.field"),
          dataIndex: "field",
          rowScope: "row",
          render: (field: string) => <code>{field}</code>,
        },
        { title: t("audit.before"), dataIndex: "before", render: state },
        { title: t("audit.after"), dataIndex: "after", render: state },
      ]}
    />
  );
}
