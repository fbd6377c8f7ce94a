import { useTranslation } from "react-i18next";
import type { Account, Provider } from "../api/client";
import { ButtonLink } from "../ui/ButtonLink";
import { EmptyState } from "../ui/EmptyState";
import { AccountLinks, useSettingName } from "./SyncNotes";
import { lackingOf } from "./sync";

interface Props {
  accounts: Account[]; // those whose provider has templates to read
  providers: Provider[];
}

/** NoTemplates says what is missing for the first templates. */
export function NoTemplates({ accounts, providers }: Props) {
  const { t } = useTranslation();
  const lacking = lackingOf(accounts, providers);
  const setting = useSettingName(lacking, providers);
  const about = () => {
    if (accounts.length === 0) {
      return t("templates.noAccount");
    }
    if (accounts.some(({ profile }) => profile?.templates_read_at)) {
      return t("templates.noneMeans");
    }
    return lacking.length > 0 ? (
      <>
        {t("templates.notRead", { setting })} <AccountLinks accounts={lacking} />
      </>
    ) : (
      t("templates.notReadYet")
    );
  };
  return (
    <EmptyState
      title={t("templates.none")}
      about={about()}
      action={<ButtonLink to="/accounts">{t("templates.toAccounts")}</ButtonLink>}
    />
  );
}
