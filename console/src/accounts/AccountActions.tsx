import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Popconfirm, Space } from "antd";
import { useTranslation } from "react-i18next";
import { answered, api, ifMatch, ProblemError } from "../api/client";
import { type AccountItem, accountQuery, itemOf } from "../api/queries";
import { May, useMay } from "../session/may";
import { ButtonLink } from "../ui/ButtonLink";
import { CheckCircleOutlined, DeleteOutlined, EditOutlined, SendOutlined } from "../ui/icons";
import { invalidateItems } from "../ui/invalidateItems";
import type { Check } from "./CheckResult";
import { changeOf } from "./draft";

export type Opened = "edit" | "delete" | "test" | undefined;

interface Props {
  account: AccountItem;
  check: Check;
  onOpen: (dialog: Opened) => void;
}

/** AccountActions are the buttons on the page of an account. An account of the environment is read-only. */
export function AccountActions({ account, check, onOpen }: Props) {
  const { t } = useTranslation();
  const mayChange = useMay("settings:write");
  const isOurs = account.source === "database";
  return (
    <Space wrap>
      <May scope={account.channel === "whatsapp" ? "sends:write" : "settings:write"}>
        {account.channel === "whatsapp" ? (
          <ButtonLink type="primary" to={`/sends/new?account=${account.name}`} icon={<SendOutlined />}>
            {t("accounts.test")}
          </ButtonLink>
        ) : (
          <Button type="primary" icon={<SendOutlined />} onClick={() => onOpen("test")}>
            {t("accounts.test")}
          </Button>
        )}
      </May>
      {mayChange && (
        <Button icon={<CheckCircleOutlined />} loading={check.isPending} onClick={() => check.mutate()}>
          {t("accounts.check.button")}
        </Button>
      )}
      <May scope="admin">
        <ButtonLink to={`/audit?kind=account&target=${account.name}`}>{t("audit.history")}</ButtonLink>
      </May>
      {isOurs && mayChange && (
        <>
          <Toggle account={account} />
          <Button icon={<EditOutlined />} onClick={() => onOpen("edit")}>
            {t("list.edit")}
          </Button>
          <Button danger icon={<DeleteOutlined />} onClick={() => onOpen("delete")}>
            {t("list.delete")}
          </Button>
        </>
      )}
    </Space>
  );
}

/** Toggle disables or enables an account. The provider is not asked, so that an account that does not work can be disabled. */
function Toggle({ account }: { account: AccountItem }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const toggle = useMutation({
    mutationFn: async () => {
      const params = { path: { name: account.name }, query: { check: false }, header: ifMatch(account.version) };
      const body = { ...changeOf(account), disabled: !account.disabled };
      return itemOf(await answered(api.PUT("/v1/accounts/{name}", { params, body })));
    },
    onSuccess: (saved) => {
      client.setQueryData(accountQuery(account.name).queryKey, saved);
      message.success(t(saved.disabled ? "accounts.isDisabled" : "accounts.isEnabled", { name: account.name }));
    },
    onError: (error) => {
      const problem = error instanceof ProblemError ? error.problem : undefined;
      message.error(problem ? `${t(`problem.codes.${problem.code}`)} ${problem.detail}` : t("problem.unreachable"));
    },
    onSettled: () => invalidateItems(client),
  });
  if (account.disabled) {
    return (
      <Button loading={toggle.isPending} onClick={() => toggle.mutate()}>
        {t("accounts.enable")}
      </Button>
    );
  }
  return (
    <Popconfirm
      title={t("accounts.disableQuestion", { name: account.name })}
      description={t("accounts.disabledMeans")}
      okText={t("accounts.disable")}
      onConfirm={() => toggle.mutate()}
    >
      <Button loading={toggle.isPending}>{t("accounts.disable")}</Button>
    </Popconfirm>
  );
}
