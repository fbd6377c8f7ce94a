import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Rule } from "../api/client";
import { type AccountItem, rulesQuery } from "../api/queries";
import { DeleteDialog } from "../ui/DeleteDialog";
import { Name } from "../ui/Name";
import { namesAccount } from "./routes";

interface Props {
  account: AccountItem;
  onClose: () => void;
  onDeleted?: () => void;
}

/** DeleteAccount deletes an account, or says what is in the way as far as the console knows it. The API knows the rest. */
export function DeleteAccount({ account, ...props }: Props) {
  const { t } = useTranslation();
  const rules = useQuery({ ...rulesQuery({ limit: 200 }), enabled: account.disabled });
  const naming = (rules.data?.items ?? []).filter((rule) => namesAccount(rule, account.name));
  const { name } = account;
  const obstacle = !account.disabled
    ? { title: t("accounts.stillEnabled", { name }), about: t("accounts.disabledMeans") }
    : naming.length > 0
      ? { title: t("accounts.inUse", { name }), about: <Rules rules={naming} /> }
      : undefined;
  return <DeleteDialog of="accounts" item={account} obstacle={obstacle} {...props} />;
}

function Rules({ rules }: { rules: Rule[] }) {
  return (
    <ul className="inline-list">
      {rules.map(({ id, name }) => (
        <li key={id}>
          <Link to={`/rules/${id}`}>
            <Name>{name}</Name>
          </Link>
        </li>
      ))}
    </ul>
  );
}
