import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Card, Popconfirm } from "antd";
import { useTranslation } from "react-i18next";
import { answered, api, ifMatch, type Provider, serverNow } from "../api/client";
import type { AccountItem } from "../api/queries";
import { invalidateItems } from "../ui/invalidateItems";
import { ProblemAlert } from "../ui/ProblemView";
import { TimeText } from "../ui/TimeText";
import { changeOf, keptUntil } from "./draft";
import { settingLabel } from "./fields";

/** FormerSecrets lists the former secrets that still verify webhooks, and can end them all. */
export function FormerSecrets({ account, provider }: { account: AccountItem; provider: Provider | undefined }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => {
      const params = { path: { name: account.name }, query: { check: false }, header: ifMatch(account.version) };
      const body = { ...changeOf(account), keep_former_secrets_until: keptUntil(0, serverNow()) };
      return answered(api.PUT("/v1/accounts/{name}", { params, body }));
    },
    onSettled: () => invalidateItems(client),
  });
  if (!account.former_secrets?.length) {
    return null;
  }
  return (
    <Card
      size="small"
      title={<h2>{t("accounts.formerSecrets")}</h2>}
      extra={
        account.source === "database" && (
          <Popconfirm
            title={t("accounts.endFormer")}
            description={t("accounts.endFormerMeans")}
            okText={t("accounts.endFormer")}
            onConfirm={() => end.mutate()}
          >
            <Button size="small" loading={end.isPending}>
              {t("accounts.endFormer")}
            </Button>
          </Popconfirm>
        )
      }
    >
      <ul className="inline-list">
        {account.former_secrets.map(({ field, valid_until }) => (
          <li key={`${field} ${valid_until}`}>
            {settingLabel(provider, field, t, i18n.language)}: {t("accounts.until")} <TimeText at={valid_until} />
          </li>
        ))}
      </ul>
      <p className="hint">{t("accounts.formerSecretsMean")}</p>
      {end.error && <ProblemAlert error={end.error} />}
    </Card>
  );
}
