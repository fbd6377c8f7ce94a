// The fields of a rule: of one in its dialog, or of one in a list of rules.
import { Form, Input, Radio } from "antd";
import { type RefObject, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { RuleInput } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { WaitInput } from "../ui/WaitInput";
import { CountriesInput } from "./CountriesInput";
import { checkName, checkSendID, checkWait, validator } from "./checks";
import { ruleTypes } from "./meaning";
import { RoutesFields } from "./RoutesFields";

interface Props {
  rule: Partial<RuleInput>; // the values of the fields
  list?: string; // the field of the form that has the rules; undefined if the form is one rule
  index?: number; // of the rule in the list
  form: string; // the name of the form
}

export function RuleFields({ rule, list, index = 0, form }: Props) {
  const { t } = useTranslation();
  const instance = Form.useFormInstance();
  const typed = useRef(""); // in the field of the countries
  const nameOf = (field: keyof RuleInput) => (list ? [index, field] : field);
  const pathOf = (field: keyof RuleInput) => (list ? [list, index, field] : [field]);
  return (
    <>
      <Form.Item
        name={nameOf("name")}
        label={t("rules.name")}
        required
        rules={[validator((name: string) => checkName(name ?? "", t))]}
      >
        <Input autoComplete="off" />
      </Form.Item>
      <Form.Item name={nameOf("type")} label={t("rules.type")} required>
        <Radio.Group
          className="choices"
          options={ruleTypes.map((type) => ({
            value: type,
            label: (
              <>
                {t(`rules.types.${type}`)} <small>{t(`rules.typeMeans.${type}`)}</small>
              </>
            ),
          }))}
        />
      </Form.Item>
      <Form.Item
        name={nameOf("send_id")}
        label={t("rules.sendID")}
        required
        tooltip={t("rules.sendIDMeans")}
        rules={[validator((id: string) => checkSendID(id ?? "", t))]}
      >
        <Input autoComplete="off" maxLength={constraints.RuleInput.send_id.maxLength} />
      </Form.Item>
      <Form.Item
        name={nameOf("wait_seconds")}
        label={t("rules.wait")}
        required={rule.type === "unread"}
        dependencies={[pathOf("type")]}
        extra={t(rule.type === "unread" ? "rules.waitOfUnread" : "rules.waitMeans")}
        rules={[
          validator((seconds: number | undefined) => checkWait(seconds, instance.getFieldValue(pathOf("type")), t)),
        ]}
      >
        <WaitInput />
      </Form.Item>
      <RoutesFields
        name={nameOf("routes")}
        id={[form, ...pathOf("routes"), "add"].join("_")}
        chosen={(rule.routes ?? []).map(({ account }) => account)}
        sender={rule.send_id ?? ""}
      />
      <CountriesField name={nameOf("countries")} typed={typed} />
    </>
  );
}

function CountriesField({ name, typed }: { name: string | (string | number)[]; typed: RefObject<string> }) {
  const { t } = useTranslation();
  return (
    <Form.Item
      name={name}
      label={t("rules.countries")}
      extra={t("rules.countriesMean")}
      validateTrigger="onSubmit"
      rules={[
        {
          validator: () =>
            typed.current
              ? Promise.reject(new Error(t("rules.countryTyped", { text: typed.current })))
              : Promise.resolve(),
        },
      ]}
    >
      <CountriesInput typed={typed} />
    </Form.Item>
  );
}
