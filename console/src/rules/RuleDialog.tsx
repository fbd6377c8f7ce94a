import { Alert, Form } from "antd";
import { useTranslation } from "react-i18next";
import { routesText } from "../accounts/routes";
import { answered, api, ifMatch, type Rule, type RuleInput } from "../api/client";
import { EditDialog } from "../ui/EditDialog";
import { useEdit } from "../ui/useEdit";
import { countriesText, meaning, waitText } from "./meaning";
import { RuleFields } from "./RuleFields";
import { fieldOfRule, withoutEmpty } from "./ruleInput";

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
      <RuleFields form="rule" rule={draft} />
      <Alert type="info" title={<span aria-live="polite">{meaning(draft, t, i18n.language)}</span>} />
      {edit.base && <p className="hint">{t("rules.inFlight")}</p>}
    </EditDialog>
  );
}
