import { Descriptions } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { KeyItem } from "../api/queries";
import { TimeText } from "../ui/TimeText";
import { usePolicyNames } from "./PoliciesSelect";

/** KeyDetails unfolds a key: the names of its limits, its callback, its former secret, and the way to its history. */
export function KeyDetails({ item }: { item: KeyItem }) {
  const { t } = useTranslation();
  const nameOf = usePolicyNames(item.policies);
  const links = (path: string, ids: string[], textOf: (id: string) => string, empty: string) =>
    ids.length === 0 ? (
      empty
    ) : (
      <ul className="inline-list">
        {ids.map((id) => (
          <li key={id}>
            <Link to={path + id}>{textOf(id)}</Link>
          </li>
        ))}
      </ul>
    );
  const facts = [
    { label: t("keys.policies"), children: links("/policies/", item.policies, nameOf, t("keys.allPolicies")) },
    { label: t("keys.accounts"), children: links("/accounts/", item.accounts, (name) => name, t("keys.allAccounts")) },
    item.callback && {
      label: t("keys.callback"),
      children: (
        <span className="break">
          {item.callback.url} ({item.callback.events?.join(", ") || t("keys.allEvents")})
        </span>
      ),
    },
    item.former_until && {
      label: t("keys.formerUntil"),
      children: (
        <span>
          <TimeText at={item.former_until} /> <code>{item.former_prefix}</code>
        </span>
      ),
    },
    { label: t("list.updated"), children: <TimeText at={item.updated_at} /> },
    {
      label: t("audit.history"),
      children: <Link to={`/audit?kind=key&target=${item.id}`}>{t("audit.title")}</Link>,
    },
  ].filter((fact) => typeof fact === "object");
  return <Descriptions size="small" column={1} items={facts.map((fact) => ({ ...fact, key: fact.label }))} />;
}
