import { useQuery } from "@tanstack/react-query";
import { Alert, Form, Input, Radio, Select } from "antd";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, ifMatch, type Rule, type RuleInput } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { routesQuery } from "../api/queries";
import { EditDialog } from "../ui/EditDialog";
import { useEdit } from "../ui/useEdit";
import { WaitInput } from "../ui/WaitInput";
import { CountriesInput } from "./CountriesInput";
import { checkName, checkSendID, checkWait, validator } from "./checks";
import { countriesText, meaning, ruleTypes, waitText } from "./meaning";

interface Props {
  rule: Rule | undefined; // undefined to add one
  onClose: () => void;
  onSaved?: (rule: Rule) => void;
}

const blank: RuleInput = { name: "", type: "undelivered", wait_seconds: 600, send_id: "" };

// An absent value is undefined in the result: the form keeps a field that the new values do not have.
function inputOf(rule: Rule | undefined): RuleInput {
  const { name, type, wait_seconds, send_id, route, countries } = rule ?? blank;
  return { name, type, wait_seconds, send_id, route, countries };
}

/** RuleDialog adds or edits a rule. */
export function RuleDialog({ rule, onClose, onSaved }: Props) {
  const { t, i18n } = useTranslation();
  const routes = useQuery(routesQuery);
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
    valuesOf: inputOf,
    bodyOf: withoutEmpty,
    fieldOf: (path) => path.split(".")[0] ?? path,
    onSaved: (saved) => {
      onSaved?.(saved);
      onClose();
    },
  });

  const routeNames = routes.data?.items ?? [];
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
        { name: "route", label: t("rules.route"), show: ({ route }) => route || t("rules.theDefault") },
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
      <Form.Item name="route" label={t("rules.route")} extra={t("rules.routeMeans")}>
        <Select
          allowClear
          loading={routes.isPending}
          placeholder={t("rules.defaultRoute", { name: routeNames.find((route) => route.default)?.name ?? "…" })}
          options={routeNames.map(({ name }) => ({ value: name, label: name }))}
        />
      </Form.Item>
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

/** withoutEmpty returns the values without empty fields, because the API refuses some of them. */
function withoutEmpty(values: RuleInput): RuleInput {
  return {
    name: values.name,
    type: values.type,
    send_id: values.send_id,
    ...(values.wait_seconds ? { wait_seconds: values.wait_seconds } : {}),
    ...(values.route ? { route: values.route } : {}),
    ...(values.countries?.length ? { countries: values.countries } : {}),
  };
}
