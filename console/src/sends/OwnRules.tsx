// The rules of a new send that uses no policy.
import { Button, Form } from "antd";
import { useTranslation } from "react-i18next";
import { constraints } from "../api/constraints.gen";
import { RuleFields } from "../rules/RuleFields";
import { PlusOutlined } from "../ui/icons";
import { SortableList } from "../ui/SortableList";
import { type Draft, type OwnRule, ownRule } from "./draft";

const most = constraints.SendInput.fallback.rules.maxItems;

export function OwnRules() {
  const { t } = useTranslation();
  const form = Form.useFormInstance<Draft>();
  const rules = (Form.useWatch("rules", form) ?? []) as OwnRule[];
  const label = t("newSend.ownRules");
  return (
    <Form.List
      name="rules"
      initialValue={[ownRule([], t)]}
      rules={[
        {
          validator: (_, list?: OwnRule[]) =>
            list?.length ? Promise.resolve() : Promise.reject(new Error(t("newSend.ruleWanted"))),
        },
      ]}
    >
      {(rows, { add, remove, move }, { errors }) => (
        <section className="own-rules" aria-label={label}>
          <p className="hint">{t("newSend.ownRulesMean")}</p>
          <SortableList
            label={label}
            items={rows.map(({ key, name }) => ({
              id: `rule-${key}`, // dnd-kit takes no 0
              name: rules[name]?.name || t("newSend.ruleNumber", { number: name + 1 }),
              content: <RuleFields form="send" list="rules" index={name} rule={rules[name] ?? {}} />,
            }))}
            onMove={move}
            onRemove={remove}
          />
          <Button icon={<PlusOutlined />} disabled={rows.length >= most} onClick={() => add(ownRule(rules, t))}>
            {t("newSend.addRule")}
          </Button>
          <Form.ErrorList errors={errors} />
        </section>
      )}
    </Form.List>
  );
}
