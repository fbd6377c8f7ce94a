import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Form, Input, Modal, Radio, Select, Space } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, ifMatch, ProblemError, type Rule, type RuleInput } from "../api/client";
import { routesQuery } from "../api/queries";
import { showFieldErrors } from "../ui/formErrors";
import { ProblemAlert } from "../ui/ProblemView";
import { WaitInput } from "../ui/WaitInput";
import { checkName, checkSendID, checkWait, validator } from "./checks";
import { countries, countryName } from "./countries";
import { meaning, ruleTypes } from "./meaning";

interface Props {
  rule: Rule | undefined; // undefined: a new one
  onClose: () => void;
  onSaved?: (rule: Rule) => void;
}

const blank: RuleInput = { name: "", type: "undelivered", wait_seconds: 600, send_id: "" };

function inputOf(rule: Rule): RuleInput {
  const { name, type, wait_seconds, send_id, route, countries } = rule;
  return { name, type, wait_seconds, send_id, route, countries };
}

/** RuleDialog adds or edits a rule. */
export function RuleDialog({ rule, onClose, onSaved }: Props) {
  const { t, i18n } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const routes = useQuery(routesQuery);
  const [form] = Form.useForm<RuleInput>();
  const [base, setBase] = useState(rule); // the version that is being edited
  const [theirs, setTheirs] = useState<Rule>(); // a newer one, that somebody else has saved meanwhile
  const [failure, setFailure] = useState<unknown>();
  const draft: RuleInput = { ...blank, ...Form.useWatch([], form) };

  const save = useMutation({
    mutationFn: (body: RuleInput) =>
      base
        ? answered(
            api.PUT("/v1/rules/{id}", { params: { path: { id: base.id }, header: ifMatch(base.version) }, body }),
          )
        : answered(api.POST("/v1/rules", { body })),
    onMutate: () => setFailure(undefined),
    onSuccess: (saved) => {
      client.invalidateQueries({ queryKey: ["rules"] });
      client.invalidateQueries({ queryKey: ["policies"] });
      message.success(t(base ? "rules.saved" : "rules.added", { name: saved.name }));
      onSaved?.(saved);
      onClose();
    },
    onError: async (error) => {
      if (base && error instanceof ProblemError && error.is("stale")) {
        const current = await answered(api.GET("/v1/rules/{id}", { params: { path: { id: base.id } } })).catch(
          () => undefined,
        );
        setTheirs(current);
      }
      if (error instanceof ProblemError && error.is("conflict")) {
        form.setFields([{ name: "name", errors: [error.message] }]);
        return;
      }
      setFailure(showFieldErrors(form, error, (path) => path.split(".")[0]));
    },
  });

  const settle = (newer: Rule, takeTheirs: boolean) => {
    setBase(newer);
    setTheirs(undefined);
    setFailure(undefined);
    if (takeTheirs) {
      form.setFieldsValue({
        ...blank,
        wait_seconds: undefined,
        route: undefined,
        countries: undefined,
        ...inputOf(newer),
      });
    }
  };

  const routeNames = routes.data?.items ?? [];
  return (
    <Modal
      open
      title={t("rules.dialog")}
      width={620}
      okText={t(base ? "dialog.save" : "dialog.add")}
      okButtonProps={{ htmlType: "submit", loading: save.isPending, disabled: theirs !== undefined }}
      onOk={() => form.submit()}
      onCancel={onClose}
      mask={{ closable: false }}
      destroyOnHidden
    >
      <Form<RuleInput>
        name="rule"
        form={form}
        layout="vertical"
        initialValues={base ? inputOf(base) : blank}
        onFinish={(values) => save.mutate(tidy(values))}
        scrollToFirstError={{ focus: true }}
      >
        <Form.Item
          name="name"
          label={t("rules.name")}
          required
          rules={[validator((name: string) => checkName(name ?? "", t))]}
        >
          <Input autoFocus autoComplete="off" />
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
          <Input autoComplete="off" maxLength={16} />
        </Form.Item>
        <Form.Item
          name="wait_seconds"
          label={t("rules.wait")}
          required={draft.type === "unread"}
          dependencies={["type"]}
          extra={t("rules.waitMeans")}
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
        <Form.Item name="countries" label={t("rules.countries")} extra={t("rules.countriesMean")}>
          <Select
            mode="multiple"
            allowClear
            defaultActiveFirstOption={false} // or Tab would add the first country on its way out
            placeholder={t("rules.everywhere")}
            showSearch={{ optionFilterProp: "label" }}
            maxTagCount="responsive"
            options={countries.map((code) => ({
              value: code,
              label: `${countryName(code, i18n.language)} (${code})`,
            }))}
          />
        </Form.Item>
      </Form>
      <Alert type="info" title={<span aria-live="polite">{meaning(draft, t, i18n.language)}</span>} />
      {base && <p className="hint">{t("rules.inFlight")}</p>}
      {theirs && <Conflict theirs={theirs} onSettle={(takeTheirs) => settle(theirs, takeTheirs)} />}
      {failure !== undefined && !theirs && <ProblemAlert error={failure} />}
    </Modal>
  );
}

/** tidy leaves out what is empty: the API takes absent for "none". */
function tidy(values: RuleInput): RuleInput {
  return {
    name: values.name,
    type: values.type,
    send_id: values.send_id,
    ...(values.wait_seconds ? { wait_seconds: values.wait_seconds } : {}),
    ...(values.route ? { route: values.route } : {}),
    ...(values.countries?.length ? { countries: values.countries } : {}),
  };
}

/** Conflict tells what somebody else has made of the rule meanwhile; nothing is overwritten unless that is chosen. */
function Conflict({ theirs, onSettle }: { theirs: Rule; onSettle: (takeTheirs: boolean) => void }) {
  const { t, i18n } = useTranslation();
  return (
    <Alert
      className="problem"
      type="warning"
      showIcon
      role="alert"
      title={t("dialog.conflict")}
      description={
        <>
          <p>
            {t("dialog.itIsNow")} <b>{theirs.name}</b>: {meaning(theirs, t, i18n.language)}
          </p>
          <Space wrap>
            <Button onClick={() => onSettle(true)}>{t("dialog.takeTheirs")}</Button>
            <Button onClick={() => onSettle(false)}>{t("dialog.keepMine")}</Button>
          </Space>
        </>
      }
    />
  );
}
