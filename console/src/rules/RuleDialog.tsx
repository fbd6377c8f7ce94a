import { Alert, Form, Input, Radio } from "antd";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { routesText } from "../accounts/routes";
import { answered, api, ifMatch, type Rule, type RuleInput } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { EditDialog } from "../ui/EditDialog";
import type { FieldName } from "../ui/formErrors";
import { useEdit } from "../ui/useEdit";
import { WaitInput } from "../ui/WaitInput";
import { CountriesInput } from "./CountriesInput";
import { checkName, checkSendID, checkWait, validator } from "./checks";
import { countriesText, meaning, ruleTypes, waitText } from "./meaning";
import { RoutesFields } from "./RoutesFields";

interface Props {
  rule: Rule | undefined; // undefined to add one
  onClose: () => void;
  onSaved?: (rule: Rule) => void;
}

const blank: RuleInput = { name: "", type: "undelivered", wait_seconds: 600, send_id: "" };

// An absent value is undefined in the result: the form keeps a field that the new values do not have.
function inputOf(rule: RuleInput): RuleInput {
  const { name, type, wait_seconds, send_id, routes, countries } = rule;
  return { name, type, wait_seconds, send_id, routes, countries };
}

/** RuleDialog adds or edits a rule. */
export function RuleDialog({ rule, onClose, onSaved }: Props) {
  const { t, i18n } = useTranslation();
  const [form] = Form.useForm<RuleInput>();
  const typed = useRef(""); // in the field of the countries
  const draft: RuleInput = { ...blank, ...Form.useWatch([], form) };
  const edit = useEdit<Rule, RuleInput, RuleInput>({
    of: "rules",
    item: rule,
    form,
    read: (id) => answered(api.GET("/v1/rules/{id}", { params: { path: { id } } })),
    write: (body, base) =>
      base
        ? answered(
            api.PUT("/v1/rules/{id}", {
              params: { path: { id: base.id }, header: ifMatch(base.version) },
              body,
            }),
          )
        : answered(api.POST("/v1/rules", { body })),
    valuesOf: (item) => inputOf(item ?? blank),
    bodyOf: withoutEmpty,
    fieldOf: fieldOfRule,
    onSaved: (saved) => {
      onSaved?.(saved);
      onClose();
    },
  });

  return (
    <EditDialog
      edit={edit}
      name="rule"
      title={t("rules.dialog")}
      width={620}
      fields={[
        { name: "name", label: t("rules.name"), show: ({ name }) => name },
        { name: "type", label: t("rules.type"), show: ({ type }) => t(`rules.types.${type}`) },
        { name: "send_id", label: t("rules.sendID"), show: ({ send_id }) => send_id },
        { name: "wait_seconds", label: t("rules.wait"), show: (draft) => waitText(draft, t) },
        {
          name: "routes",
          label: t("rules.routes.label"),
          show: ({ routes }) => routesText(routes) || t("rules.theDefault"),
        },
        { name: "countries", label: t("rules.countries"), show: (draft) => countriesText(draft, t, i18n.language) },
      ]}
      onClose={onClose}
    >
      <Form.Item
        name="name"
        label={t("rules.name")}
        required
        rules={[validator((name: string) => checkName(name ?? "", t))]}
      >
        <Input autoComplete="off" />
      </Form.Item>
      <Form.Item name="type" label={t("rules.type")} required>
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
        name="send_id"
        label={t("rules.sendID")}
        required
        tooltip={t("rules.sendIDMeans")}
        rules={[validator((id: string) => checkSendID(id ?? "", t))]}
      >
        <Input autoComplete="off" maxLength={constraints.RuleInput.send_id.maxLength} />
      </Form.Item>
      <Form.Item
        name="wait_seconds"
        label={t("rules.wait")}
        required={draft.type === "unread"}
        dependencies={["type"]}
        extra={t(draft.type === "unread" ? "rules.waitOfUnread" : "rules.waitMeans")}
        rules={[validator((seconds: number | undefined) => checkWait(seconds, form.getFieldValue("type"), t))]}
      >
        <WaitInput />
      </Form.Item>
      <RoutesFields chosen={(draft.routes ?? []).map(({ account }) => account)} sender={draft.send_id} />
      <Form.Item
        name="countries"
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
      <Alert type="info" title={<span aria-live="polite">{meaning(draft, t, i18n.language)}</span>} />
      {edit.base && <p className="hint">{t("rules.inFlight")}</p>}
    </EditDialog>
  );
}

/** fieldOfRule returns the field of the form for a path of the API, such as routes.0.send_id. */
function fieldOfRule(path: string): FieldName {
  const [field = path, index, part] = path.split(".");
  return field === "routes" && index && part ? [field, Number(index), part] : field;
}

/** withoutEmpty returns the values without empty fields, because the API refuses some of them. */
function withoutEmpty(values: RuleInput): RuleInput {
  return {
    name: values.name,
    type: values.type,
    send_id: values.send_id,
    ...(values.wait_seconds ? { wait_seconds: values.wait_seconds } : {}),
    ...(values.routes?.length
      ? { routes: values.routes.map(({ account, send_id }) => ({ account, ...(send_id ? { send_id } : {}) })) }
      : {}),
    ...(values.countries?.length ? { countries: values.countries } : {}),
  };
}
