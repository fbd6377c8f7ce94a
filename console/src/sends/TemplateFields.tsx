// The fields of a template in a new send: from the list of the account's templates, or as free text if they were not read.
import { Form, Input, Select, Switch } from "antd";
import { useTranslation } from "react-i18next";
import { constraints } from "../api/constraints.gen";
import { fits, validator } from "../rules/checks";
import { ParameterFields } from "../templates/ParameterFields";
import { componentsOf, type Template } from "../templates/parameters";
import { TemplatePicker } from "../templates/TemplatePicker";
import { TemplatePreview } from "../templates/TemplatePreview";
import { isCategory } from "../templates/template";
import type { Sender } from "../templates/useSender";
import { type Draft, parseComponents } from "./draft";

const { template: limits, if_unsendable } = constraints.SendInput.whatsapp;

interface Props {
  sender: Sender;
  template: Template | undefined; // if it is known
}

export function TemplateFields({ sender, template }: Props) {
  const { t } = useTranslation();
  const isPicked = sender.isSynced || sender.isPending;
  return (
    <>
      {isPicked ? <PickedTemplate sender={sender} template={template} /> : <FreeTemplate />}
      <Form.Item name="if_unsendable" label={t("templates.ifUnsendable")}>
        <Select
          allowClear
          placeholder={t("templates.refuse")}
          options={if_unsendable.enum.map((value) => ({
            value,
            label: t(value === "fall_back" ? "templates.fallBack" : "templates.refuse"),
          }))}
        />
      </Form.Item>
    </>
  );
}

function PickedTemplate({ sender: { account }, template }: Props) {
  const { t } = useTranslation();
  const form = Form.useFormInstance<Draft>();
  const language = Form.useWatch("language", form);
  const own = Form.useWatch("own", form);
  const values = Form.useWatch("values", form);
  const pick = (picked: Template) => {
    // The category of the send follows that of the template, unless the user has chosen another.
    const follows = [undefined, null, template?.category].includes(form.getFieldValue("category"));
    form.setFieldsValue({
      template: picked.name,
      language: picked.language,
      ...(follows && isCategory(picked.category) ? { category: picked.category } : {}),
    });
    form.setFields([{ name: "template", errors: [] }]);
  };
  const writeOwn = (checked: boolean) => {
    const components = template && componentsOf(template, values);
    if (checked && components) {
      form.setFieldValue("components", JSON.stringify(components, null, 2));
    }
  };
  return (
    <>
      <Form.Item
        name="template"
        label={t("templates.picked")}
        extra={account && t("templates.ofAccount", { account: account.name })}
        rules={[{ required: true, message: t("templates.pickedWanted") }]}
      >
        <TemplatePicker language={language} account={account?.name ?? ""} onPick={pick} />
      </Form.Item>
      <Form.Item name="language" hidden>
        <Input />
      </Form.Item>
      {template && !own && <ParameterFields template={template} />}
      {template && (
        <Form.Item name="own" valuePropName="checked" label={t("templates.ownJSON")} layout="horizontal">
          <Switch onChange={writeOwn} />
        </Form.Item>
      )}
      {template && own && <Components />}
      {template && <TemplatePreview template={template} values={own ? {} : values} />}
    </>
  );
}

function FreeTemplate() {
  const { t } = useTranslation();
  const { name, language } = limits;
  return (
    <>
      <Form.Item
        name="template"
        label={t("newSend.templateName")}
        required
        rules={[
          validator((text = "") => {
            const reason = text === "" ? t("newSend.templateWanted") : t("newSend.templateName");
            return fits(text, name) ? undefined : reason;
          }),
        ]}
      >
        <Input autoComplete="off" placeholder="order_shipped" />
      </Form.Item>
      <Form.Item
        name="language"
        label={t("newSend.language")}
        required
        rules={[validator((text = "") => (fits(text, language) ? undefined : t("newSend.languageWrong")))]}
      >
        <Input autoComplete="off" placeholder="en_US" />
      </Form.Item>
      <Components />
    </>
  );
}

/** Components is the field for experts: the parameters in Meta's own form. */
function Components() {
  const { t } = useTranslation();
  return (
    <Form.Item
      name="components"
      label={t("newSend.components")}
      extra={t("newSend.componentsMean")}
      rules={[
        validator((text = "") => (!text.trim() || parseComponents(text) ? undefined : t("newSend.componentsWrong"))),
      ]}
      validateDebounce={400}
    >
      <Input.TextArea
        className="code"
        rows={5}
        placeholder='[{"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}]'
      />
    </Form.Item>
  );
}
