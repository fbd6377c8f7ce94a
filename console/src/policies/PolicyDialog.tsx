import { Form, Input } from "antd";
import { useTranslation } from "react-i18next";
import { AccountSelect } from "../accounts/AccountSelect";
import { answered, api, ifMatch, type Policy, type PolicyInput, type Rule } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { checkName, validator } from "../rules/checks";
import { EditDialog } from "../ui/EditDialog";
import { useEdit } from "../ui/useEdit";
import { PolicyPicture } from "./PolicyPicture";
import { RulePicker } from "./RulePicker";

const { minItems } = constraints.PolicyInput.rule_ids;

interface Draft {
  name: string;
  account: string | undefined; // for WhatsApp
  rules: Rule[];
}

function draftOf(policy: Policy | undefined): Draft {
  return { name: policy?.name ?? "", account: policy?.account, rules: policy?.rules ?? [] };
}

interface Props {
  policy: Policy | undefined; // undefined to add one
  onClose: () => void;
}

/** PolicyDialog adds or edits a policy. */
export function PolicyDialog({ policy, onClose }: Props) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Draft>();
  const rules = Form.useWatch("rules", form) ?? [];
  const edit = useEdit<Policy, Draft, PolicyInput>({
    of: "policies",
    item: policy,
    form,
    read: (id) => answered(api.GET("/v1/policies/{id}", { params: { path: { id } } })),
    write: (body, base) =>
      base
        ? answered(
            api.PUT("/v1/policies/{id}", { params: { path: { id: base.id }, header: ifMatch(base.version) }, body }),
          )
        : answered(api.POST("/v1/policies", { body })),
    valuesOf: draftOf,
    bodyOf: ({ name, account, rules }) => ({
      name,
      ...(account ? { account } : {}),
      rule_ids: rules.map((rule) => rule.id),
    }),
    fieldOf: (path) => (path.startsWith("rule_ids") ? "rules" : path),
    onSaved: onClose,
  });

  return (
    <EditDialog
      edit={edit}
      name="policy"
      title={t("policies.dialog")}
      width={680}
      fields={[
        { name: "name", label: t("policies.name"), show: ({ name }) => name },
        {
          name: "account",
          label: t("policies.account"),
          show: ({ account }) => account ?? t("accounts.default"),
        },
        {
          name: "rules",
          label: t("policies.included"),
          show: ({ rules }) => rules.map((rule) => rule.name).join(" → "),
        },
      ]}
      onClose={onClose}
    >
      <Form.Item
        name="name"
        label={t("policies.name")}
        required
        rules={[validator((name: string) => checkName(name ?? "", t))]}
      >
        <Input autoComplete="off" />
      </Form.Item>
      <Form.Item
        name="rules"
        label={t("policies.included")}
        required
        extra={t("policies.orderMeans")}
        rules={[validator((list: Rule[]) => (list.length < minItems ? t("policies.ruleWanted") : undefined))]}
      >
        <RulePicker />
      </Form.Item>
      <Form.Item name="account" label={t("policies.account")} extra={t("policies.accountMeans")}>
        <AccountSelect channel="whatsapp" placeholder={t("accounts.default")} />
      </Form.Item>
      {rules.length > 0 && <PolicyPicture rules={rules} />}
      {edit.base && <p className="hint">{t("policies.inFlight")}</p>}
    </EditDialog>
  );
}
