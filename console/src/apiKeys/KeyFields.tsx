// The fields of an API key: what it may do, and its limits.
import { useQuery } from "@tanstack/react-query";
import { Checkbox, DatePicker, Form, Input, InputNumber, Radio, Select } from "antd";
import { useTranslation } from "react-i18next";
import { constraints } from "../api/constraints.gen";
import { accountsQuery } from "../api/queries";
import { checkName, fits, validator } from "../rules/checks";
import { keepForm } from "../sends/SendAtField";
import { scopes } from "./draft";
import { PoliciesSelect } from "./PoliciesSelect";

const { KeyInput, KeyKind, CallbackInput, CallbackEvent } = constraints;

const scopeMeanings = {
  "sends:write": "keys.scopeMeans.sendsWrite",
  "sends:read": "keys.scopeMeans.sendsRead",
  "settings:write": "keys.scopeMeans.settingsWrite",
  "settings:read": "keys.scopeMeans.settingsRead",
  admin: "keys.scopeMeans.admin",
} as const;

/** KeyFields are the fields of a new key, or of one that is edited: its kind stays. */
export function KeyFields({ isNew }: { isNew: boolean }) {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item
        name="name"
        label={t("keys.name")}
        required
        rules={[validator((name: string) => checkName(name ?? "", t))]}
      >
        <Input autoComplete="off" />
      </Form.Item>
      <Form.Item name="kind" label={t("keys.kind")} extra={t(isNew ? "keys.kindMeans" : "keys.kindStays")}>
        <Radio.Group
          disabled={!isNew}
          options={KeyKind.enum.map((value) => ({ value, label: t(`keys.kinds.${value}`) }))}
        />
      </Form.Item>
      <Form.Item
        name="scopes"
        label={t("keys.scopes")}
        rules={[validator((chosen: string[]) => (chosen.length === 0 ? t("keys.scopeWanted") : undefined))]}
      >
        <Checkbox.Group
          className="choices"
          options={scopes.map((value) => ({
            value,
            label: (
              <>
                <code>{value}</code>
                <small>{t(scopeMeanings[value])}</small>
              </>
            ),
          }))}
        />
      </Form.Item>
      <LimitFields />
    </>
  );
}

function LimitFields() {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item name="policies" label={t("keys.policies")} extra={t("keys.policiesMean")}>
        <PoliciesSelect />
      </Form.Item>
      <Form.Item name="accounts" label={t("keys.accounts")} extra={t("keys.accountsMean")}>
        <AnyAccountsSelect />
      </Form.Item>
      <div className="account-limits">
        <Form.Item name="rate_limit" label={t("keys.rate")} extra={t("keys.rateMeans")}>
          <InputNumber
            className="limit"
            min={KeyInput.rate_limit.minimum}
            max={KeyInput.rate_limit.maximum}
            precision={0}
            placeholder={t("accounts.noLimit")}
          />
        </Form.Item>
        <Form.Item name="expires_at" label={t("keys.expires")}>
          <DatePicker showTime onKeyDown={keepForm} placeholder={t("keys.never")} />
        </Form.Item>
      </div>
      <Form.Item
        name="callback_url"
        label={t("keys.callback")}
        extra={t("keys.callbackMeans")}
        rules={[
          validator((url: string | undefined) =>
            url?.trim() && !fits(url.trim(), CallbackInput.url) ? t("problem.fields.callback_url") : undefined,
          ),
        ]}
      >
        <Input type="url" autoComplete="off" placeholder="https://shop.example/webhooks/backstop" />
      </Form.Item>
      <Form.Item noStyle dependencies={["callback_url"]}>
        {({ getFieldValue }) => (
          <Form.Item name="callback_events" label={t("keys.events")}>
            <Select
              mode="multiple"
              allowClear
              disabled={!getFieldValue("callback_url")?.trim()}
              placeholder={t("keys.allEvents")}
              options={CallbackEvent.enum.map((value) => ({ value, label: value }))}
            />
          </Form.Item>
        )}
      </Form.Item>
    </>
  );
}

interface SelectProps {
  id?: string; // from Form.Item
  value?: string[];
  onChange?: (names: string[]) => void;
}

/** AnyAccountsSelect selects accounts of both channels. */
function AnyAccountsSelect({ id, value, onChange }: SelectProps) {
  const { t } = useTranslation();
  const accounts = useQuery(accountsQuery({ limit: 200, sort: "name" }));
  return (
    <Select<string[]>
      {...(id ? { id } : {})}
      mode="multiple"
      maxCount={KeyInput.accounts.maxItems}
      allowClear
      loading={accounts.isPending}
      placeholder={t("keys.allAccounts")}
      value={value ?? []}
      onChange={(names) => onChange?.(names)}
      options={(accounts.data?.items ?? []).map(({ name }) => ({ value: name, label: name }))}
    />
  );
}
