import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../api/client";
import { Name } from "../ui/Name";

interface Props {
  policies: Schemas["PolicyRef"][];
  most?: number; // shown
}

/** UsedBy lists the policies that include a rule. */
export function UsedBy({ policies, most = policies.length }: Props) {
  const { t } = useTranslation();
  return (
    <ul className="inline-list">
      {policies.slice(0, most).map((policy) => (
        <li key={policy.id}>
          <Link to={`/policies/${policy.id}`}>
            <Name>{policy.name}</Name>
          </Link>
        </li>
      ))}
      {policies.length > most && <li>{t("rules.morePolicies", { count: policies.length - most })}</li>}
    </ul>
  );
}
