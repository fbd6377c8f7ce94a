import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Form, Input, Modal, Space } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, ifMatch, type Policy, ProblemError, type Rule } from "../api/client";
import { checkName, validator } from "../rules/checks";
import { showFieldErrors } from "../ui/formErrors";
import { ProblemAlert } from "../ui/ProblemView";
import { PolicyTimeline } from "./PolicyTimeline";
import { RulePicker } from "./RulePicker";

interface Draft {
  name: string;
  rules: Rule[];
}

interface Props {
  policy: Policy | undefined; // undefined: a new one
  onClose: () => void;
}

/** PolicyDialog adds or edits a policy. */
export function PolicyDialog({ policy, onClose }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const client = useQueryClient();
  const [form] = Form.useForm<Draft>();
  const [base, setBase] = useState(policy);
  const [theirs, setTheirs] = useState<Policy>();
  const [failure, setFailure] = useState<unknown>();
  const rules = Form.useWatch("rules", form) ?? [];

  const save = useMutation({
    mutationFn: (draft: Draft) => {
      const body = { name: draft.name, rule_ids: draft.rules.map((rule) => rule.id) };
      return base
        ? answered(
            api.PUT("/v1/policies/{id}", { params: { path: { id: base.id }, header: ifMatch(base.version) }, body }),
          )
        : answered(api.POST("/v1/policies", { body }));
    },
    onMutate: () => setFailure(undefined),
    onSuccess: (saved) => {
      client.invalidateQueries({ queryKey: ["policies"] });
      client.invalidateQueries({ queryKey: ["rules"] }); // they say by which policies they are used
      message.success(t(base ? "policies.saved" : "policies.added", { name: saved.name }));
      onClose();
    },
    onError: async (error) => {
      if (base && error instanceof ProblemError && error.is("stale")) {
        setTheirs(
          await answered(api.GET("/v1/policies/{id}", { params: { path: { id: base.id } } })).catch(() => undefined),
        );
      }
      if (error instanceof ProblemError && error.is("conflict")) {
        form.setFields([{ name: "name", errors: [error.message] }]);
        return;
      }
      setFailure(showFieldErrors(form, error, (path) => (path.startsWith("rule_ids") ? "rules" : path)));
    },
  });

  const settle = (newer: Policy, takeTheirs: boolean) => {
    setBase(newer);
    setTheirs(undefined);
    setFailure(undefined);
    if (takeTheirs) {
      form.setFieldsValue({ name: newer.name, rules: newer.rules });
    }
  };

  return (
    <Modal
      open
      title={t("policies.dialog")}
      width={680}
      okText={t(base ? "dialog.save" : "dialog.add")}
      okButtonProps={{ loading: save.isPending, disabled: theirs !== undefined }}
      onOk={() => form.submit()}
      onCancel={onClose}
      mask={{ closable: false }}
      destroyOnHidden
    >
      <Form<Draft>
        name="policy"
        form={form}
        layout="vertical"
        initialValues={base ? { name: base.name, rules: base.rules } : { name: "", rules: [] }}
        onFinish={save.mutate}
        scrollToFirstError={{ focus: true }}
      >
        <Form.Item
          name="name"
          label={t("policies.name")}
          required
          rules={[validator((name: string) => checkName(name ?? "", t))]}
        >
          <Input autoFocus autoComplete="off" />
        </Form.Item>
        <Form.Item
          name="rules"
          label={t("policies.included")}
          required
          extra={t("policies.orderMeans")}
          rules={[validator((list: Rule[]) => (list.length === 0 ? t("policies.ruleWanted") : undefined))]}
        >
          <RulePicker />
        </Form.Item>
      </Form>
      {rules.length > 0 && <PolicyTimeline rules={rules} />}
      {base && <p className="hint">{t("policies.inFlight")}</p>}
      {theirs && (
        <Alert
          className="problem"
          type="warning"
          showIcon
          role="alert"
          title={t("dialog.conflict")}
          description={
            <>
              <p>
                {t("dialog.itIsNow")} <b>{theirs.name}</b>: {theirs.rules.map((rule) => rule.name).join(" → ")}
              </p>
              <Space wrap>
                <Button onClick={() => settle(theirs, true)}>{t("dialog.takeTheirs")}</Button>
                <Button onClick={() => settle(theirs, false)}>{t("dialog.keepMine")}</Button>
              </Space>
            </>
          }
        />
      )}
      {failure !== undefined && !theirs && <ProblemAlert error={failure} />}
    </Modal>
  );
}
