// The settings of an account as a form: its fields follow from the provider's description.
import { Form, Input, Select } from "antd";
import { useTranslation } from "react-i18next";
import type { Account, Channel, Provider } from "../api/client";
import { validator } from "../rules/checks";
import { keyOf } from "./draft";
import { type AccountField, checkSetting, fieldsOf, isStored, labelOf, textIn } from "./fields";
import { SecretInput } from "./SecretInput";

interface Props {
  provider: Provider;
  channel: Channel;
  account: Account | undefined; // undefined to add one
}

export function SettingFields({ provider, channel, account }: Props) {
  return fieldsOf(provider, channel).map((field) => (
    <SettingField key={field.name} field={field} isKept={isStored(account, field)} />
  ));
}

function SettingField({ field, isKept }: { field: AccountField; isKept: boolean }) {
  const { t, i18n } = useTranslation();
  return (
    <Form.Item
      name={keyOf(field.name)}
      label={labelOf(field, i18n.language)}
      required={field.required && !isKept}
      extra={textIn(field.help, i18n.language)}
      rules={[
        validator((value: string | null | undefined) =>
          value === null ? undefined : checkSetting(field, value ?? "", isKept, t),
        ),
      ]}
      validateDebounce={400}
    >
      <SettingInput field={field} isKept={isKept} />
    </Form.Item>
  );
}

interface InputProps {
  field: AccountField;
  isKept: boolean;
  id?: string; // this and the others are from Form.Item
  value?: string | null | undefined;
  onChange?: (value: string | null | undefined) => void;
}

function SettingInput({ field, isKept, id, value, onChange }: InputProps) {
  const shared = {
    ...(id ? { id } : {}),
    placeholder: field.default,
    value: value ?? "",
    onChange: ({ target }: { target: { value: string } }) => onChange?.(target.value),
  };
  switch (field.kind) {
    case "secret":
      return (
        <SecretInput
          {...(id ? { id } : {})}
          value={value}
          {...(onChange ? { onChange } : {})}
          isStored={isKept}
          mayRemove={!field.required}
        />
      );
    case "choice":
      return (
        <Select
          {...(id ? { id } : {})}
          allowClear={!field.required}
          placeholder={field.default}
          value={value || null}
          onChange={(chosen: string | undefined) => onChange?.(chosen)}
          options={(field.choices ?? []).map((choice) => ({ value: choice, label: choice }))}
        />
      );
    case "long":
      return <Input.TextArea {...shared} className="code" rows={6} spellCheck={false} />;
    default:
      return <Input {...shared} autoComplete="off" spellCheck={false} />;
  }
}
