import { Button, Checkbox, Form, Input, Radio, Select } from "antd";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { answered, api, ifMatch, type Provider, serverNow } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { type AccountItem, itemOf, readAccount } from "../api/queries";
import { fits, validator } from "../rules/checks";
import { countriesText } from "../rules/meaning";
import type { EditField } from "../ui/Conflict";
import { EditDialog } from "../ui/EditDialog";
import { useEdit } from "../ui/useEdit";
import {
  type Body,
  bodyOf,
  type Draft,
  draftOf,
  formFieldOf,
  isNewSecret,
  keepChoices,
  keptUntil,
  keyOf,
  replacesSecrets,
} from "./draft";
import { fieldsOf, labelOf } from "./fields";
import { GeneralFields } from "./GeneralFields";
import { SettingFields } from "./SettingFields";

interface Props {
  account: AccountItem | undefined; // undefined to add one
  provider: Provider;
  opener: Element | null; // gets the focus when the dialog closes
  onBack: () => void; // to the choice of the provider
  onClose: () => void;
  onSaved: (account: AccountItem) => void;
}

export function AccountForm({ account, provider, opener, onBack, onClose, onSaved }: Props) {
  const { t, i18n } = useTranslation();
  const [form] = Form.useForm<Draft>();
  const draft: Draft = { ...draftOf(account, provider), ...Form.useWatch([], form) };
  const edit = useEdit<AccountItem, Draft, Body>({
    of: "accounts",
    item: account,
    form,
    read: readAccount,
    write: (body, base) => (base ? replace(body, base) : create(body, provider)),
    valuesOf: (item) => draftOf(item, provider),
    bodyOf: (values) => bodyOf(values, provider, account),
    fieldOf: (path) => formFieldOf(path, provider, draft.channel),
    onSaved: (saved) => {
      onClose();
      onSaved(saved);
    },
  });
  return (
    <EditDialog
      edit={edit}
      name="account"
      first={account ? keyOf(fieldsOf(provider, draft.channel)[0]?.name ?? "") : "name"}
      opener={opener}
      title={t(account ? "accounts.editDialog" : "accounts.dialog", { name: account?.name, provider: provider.title })}
      width={680}
      fields={comparedFields(provider, draft, t, i18n.language)}
      onClose={onClose}
    >
      {!account && <Identity provider={provider} onBack={onBack} />}
      <SettingFields provider={provider} channel={draft.channel} account={account} />
      {account && !provider.signs_webhooks && (
        <Form.Item name="new_webhook_key" valuePropName="checked" extra={t("accounts.newKeyMeans")}>
          <Checkbox>{t("accounts.newKey")}</Checkbox>
        </Form.Item>
      )}
      {account && replacesSecrets(draft, provider) && (
        <Form.Item name="keep_days" label={t("accounts.keep.label")} extra={t("accounts.keep.means")}>
          <Select options={keepChoices.map((days) => ({ value: days, label: keepText(days, t) }))} />
        </Form.Item>
      )}
      <h3>{t("accounts.general")}</h3>
      <GeneralFields provider={provider} channel={draft.channel} />
      {provider.checks_accounts && (
        <Form.Item name="check" valuePropName="checked" extra={t("accounts.checkFirstMeans")}>
          <Checkbox>{t("accounts.checkFirst", { provider: provider.title })}</Checkbox>
        </Form.Item>
      )}
    </EditDialog>
  );
}

/** Identity has the fields that do not change later. */
function Identity({ provider, onBack }: { provider: Provider; onBack: () => void }) {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item
        name="name"
        label={t("accounts.name")}
        required
        extra={t("accounts.nameMeans")}
        rules={[
          validator((name = "") =>
            fits(name, constraints.AccountInput.name) ? undefined : t(name ? "accounts.nameForm" : "checks.nameWanted"),
          ),
        ]}
        validateDebounce={400}
      >
        <Input autoComplete="off" spellCheck={false} placeholder={`${provider.name}-uk`} />
      </Form.Item>
      {provider.channels.length > 1 && (
        <Form.Item name="channel" label={t("accounts.channel")}>
          <Radio.Group options={provider.channels.map((value) => ({ value, label: t(`channel.${value}`) }))} />
        </Form.Item>
      )}
      <p className="hint">
        <Button type="link" className="inline" onClick={onBack}>
          {t("accounts.otherProvider")}
        </Button>
      </p>
    </>
  );
}

function keepText(days: (typeof keepChoices)[number], t: TFunction): string {
  return days === 0 ? t("accounts.keep.none") : t("accounts.keep.days", { count: days });
}

async function create({ name, channel, change, check }: Body, provider: Provider): Promise<AccountItem> {
  const body = { ...change, name, channel, provider: provider.name };
  return itemOf(await answered(api.POST("/v1/accounts", { params: { query: queryOf(check) }, body })));
}

async function replace({ change, keepDays, check }: Body, base: AccountItem): Promise<AccountItem> {
  const params = { path: { name: base.name }, query: queryOf(check), header: ifMatch(base.version) };
  const body = {
    ...change,
    disabled: base.disabled,
    ...(keepDays === undefined ? {} : { keep_former_secrets_until: keptUntil(keepDays, serverNow()) }),
  };
  return itemOf(await answered(api.PUT("/v1/accounts/{name}", { params, body })));
}

function queryOf(check: boolean): { check?: false } {
  return check ? {} : { check: false };
}

/** comparedFields are what two versions of an account are compared by. Of a secret it is only known whether it is new. */
function comparedFields(provider: Provider, { channel }: Draft, t: TFunction, language: string): EditField<Draft>[] {
  const settings = fieldsOf(provider, channel).map((field): EditField<Draft> => {
    const key = keyOf(field.name);
    const show = ({ [key]: value }: Draft) =>
      field.kind === "secret" ? t(isNewSecret(value) ? "accounts.secretNew" : "accounts.secretKept") : (value ?? "");
    return { name: key, label: labelOf(field, language), show };
  });
  const number = (value: number | null | undefined) => String(value || t("accounts.noLimit"));
  return [
    ...settings,
    {
      name: "on_unknown",
      label: t("accounts.onUnknown.label"),
      show: ({ on_unknown }) => t(`accounts.onUnknown.${on_unknown}`),
    },
    ...(channel === "whatsapp"
      ? [
          {
            name: "when_unhealthy" as const,
            label: t("accounts.whenUnhealthy.label"),
            show: ({ when_unhealthy }: Draft) => t(`accounts.whenUnhealthy.${when_unhealthy}`),
          },
        ]
      : []),
    {
      name: "call_timeout_seconds",
      label: t("accounts.timeout"),
      show: ({ call_timeout_seconds }) => String(call_timeout_seconds ?? ""),
    },
    { name: "calls_per_second", label: t("accounts.perSecond"), show: (values) => number(values.calls_per_second) },
    { name: "calls_at_once", label: t("accounts.atOnce"), show: (values) => number(values.calls_at_once) },
    { name: "countries", label: t("rules.countries"), show: (values) => countriesText(values, t, language) },
  ];
}
