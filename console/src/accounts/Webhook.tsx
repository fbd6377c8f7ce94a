import { Card, Typography } from "antd";
import { useTranslation } from "react-i18next";
import type { Account, Provider } from "../api/client";
import { TimeText } from "../ui/TimeText";
import { fieldsOf, labelOf } from "./fields";

/** Webhook shows the address to which the provider sends receipts, and what to set there. */
export function Webhook({ account, provider }: { account: Account; provider: Provider | undefined }) {
  const { t, i18n } = useTranslation();
  const { webhook_url: address, former_webhook_valid_until: until } = account;
  const title = provider?.title ?? account.provider;
  const verifying = provider ? fieldsOf(provider, account.channel).filter(({ verifies }) => verifies) : [];
  const names = verifying.map((field) => labelOf(field, i18n.language));
  return (
    <Card size="small" title={<h2>{t("accounts.webhook")}</h2>}>
      {address ? (
        <Typography.Paragraph
          className="break webhook"
          code
          copyable={{ text: address, tooltips: [t("sends.copy"), t("sends.copied")] }}
        >
          {address}
        </Typography.Paragraph>
      ) : (
        <p>{t("accounts.noWebhook")}</p>
      )}
      <p className="hint">{t("accounts.webhookMeans", { provider: title })}</p>
      {provider && !provider.signs_webhooks && <p className="hint">{t("accounts.webhookHasKey")}</p>}
      {names.length > 0 && (
        <p className="hint">
          {t("accounts.webhookVerifiedBy", {
            fields: new Intl.ListFormat(i18n.language, { type: "conjunction" }).format(names),
          })}
        </p>
      )}
      {until && (
        <p className="hint">
          {t("accounts.formerAddress")} <TimeText at={until} />
        </p>
      )}
    </Card>
  );
}
