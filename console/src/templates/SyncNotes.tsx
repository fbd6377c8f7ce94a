import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { labelOf } from "../accounts/fields";
import type { Account, Provider } from "../api/client";
import { TimeText } from "../ui/TimeText";
import { lackingOf, wabaField } from "./sync";

interface Props {
  accounts: Account[];
  providers: Provider[];
}

/** SyncNotes says when the templates of each account were last read, what failed, and what an account lacks. */
export function SyncNotes({ accounts, providers }: Props) {
  const { t } = useTranslation();
  const read = accounts.filter(({ profile }) => profile?.templates_read_at);
  const lacking = lackingOf(accounts, providers);
  const setting = useSettingName(lacking, providers);
  return (
    <>
      {accounts
        .filter(({ profile }) => profile?.fault)
        .map(({ name, profile }) => (
          <Alert
            key={name}
            className="problem"
            type="warning"
            showIcon
            title={t("templates.readFailed", { account: name })}
            description={<span lang="en">{profile?.fault}</span>}
          />
        ))}
      {lacking.length > 0 && read.length > 0 && (
        <Alert
          className="problem"
          type="info"
          showIcon
          title={t("templates.lacking", { setting })}
          description={<AccountLinks accounts={lacking} />}
        />
      )}
      {read.length > 0 && (
        <p className="hint sync-times">
          {t("templates.lastRead")}
          {read.map(({ name, profile }) => (
            <span key={name}>
              {name} <TimeText at={profile?.templates_read_at ?? ""} />
            </span>
          ))}
        </p>
      )}
    </>
  );
}

/** useSettingName names the setting that accounts lack, as the form of an account does. */
export function useSettingName([account]: Account[], providers: Provider[]): string {
  const { i18n } = useTranslation();
  const field = account && wabaField(account, providers);
  return field ? `${labelOf(field, i18n.language)} (${field.name})` : "";
}

export function AccountLinks({ accounts }: { accounts: Account[] }) {
  return (
    <span className="links">
      {accounts.map(({ name }) => (
        <Link key={name} to={`/accounts/${name}`}>
          {name}
        </Link>
      ))}
    </span>
  );
}
