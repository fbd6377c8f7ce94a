import { Collapse, Form, Input, InputNumber, Radio, Select, Switch } from "antd";
import { useTranslation } from "react-i18next";
import { answered, api, ifMatch } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { checkName, fits, validator } from "../rules/checks";
import { TemplatePicker } from "../templates/TemplatePicker";
import { isCategory } from "../templates/template";
import { useSender } from "../templates/useSender";
import { EditDialog } from "../ui/EditDialog";
import { useEdit } from "../ui/useEdit";
import {
  bodyOf,
  type Draft,
  draftOf,
  fieldOf,
  type Message,
  type MessageInput,
  parametersText,
  parseParameters,
  skeletonOf,
} from "./draft";
import { MessagePreview } from "./MessagePreview";

const { sms, whatsapp, category } = constraints.MessageInput;

interface Props {
  message: Message | undefined; // undefined to add one
  onClose: () => void;
}

/** MessageDialog adds or edits a message. */
export function MessageDialog({ message, onClose }: Props) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Draft>();
  const draft = Form.useWatch([], form) as Draft | undefined;
  const edit = useEdit<Message, Draft, MessageInput>({
    of: "messages",
    item: message,
    form,
    read: (id) => answered(api.GET("/v1/messages/{id}", { params: { path: { id } } })),
    write: (body, base) =>
      base
        ? answered(
            api.PUT("/v1/messages/{id}", { params: { path: { id: base.id }, header: ifMatch(base.version) }, body }),
          )
        : answered(api.POST("/v1/messages", { body })),
    valuesOf: draftOf,
    bodyOf,
    fieldOf,
    onSaved: onClose,
  });
  const kind = draft?.kind ?? edit.initialValues.kind;
  const whatsappText = (values: Draft) => (values.kind === "text" ? (values.text ?? "") : (values.template ?? ""));
  return (
    <EditDialog
      edit={edit}
      name="message"
      title={t("messages.dialog")}
      width={760}
      fields={[
        { name: "name", label: t("messages.name"), show: ({ name }) => name },
        { name: "text", label: t("channel.whatsapp"), show: whatsappText },
        { name: "parameters", label: t("templates.parameters"), show: ({ parameters }) => parameters ?? "" },
        { name: "sms", label: t("newSend.smsText"), show: (values) => values.sms },
      ]}
      onClose={onClose}
    >
      <Form.Item
        name="name"
        label={t("messages.name")}
        required
        extra={t("messages.nameMeans")}
        rules={[validator((name: string) => checkName(name ?? "", t))]}
      >
        <Input autoComplete="off" />
      </Form.Item>
      <Form.Item name="kind" label={t("channel.whatsapp")}>
        <Radio.Group
          options={[
            { value: "text", label: t("newSend.text") },
            { value: "template", label: t("newSend.template") },
          ]}
        />
      </Form.Item>
      {kind === "text" ? (
        <Form.Item
          name="text"
          label={t("newSend.whatsappText")}
          extra={t("newSend.window")}
          rules={[{ required: true, whitespace: true, message: t("newSend.textWanted") }]}
        >
          <Input.TextArea rows={3} maxLength={whatsapp.text.maxLength} />
        </Form.Item>
      ) : (
        <TemplateFields />
      )}
      <Form.Item
        name="sms"
        label={t("newSend.smsText")}
        extra={t("messages.variablesMean", { example: "{{name}}", literal: "{{{{", braces: "{{" })}
        rules={[{ required: true, whitespace: true, message: t("newSend.smsWanted") }]}
      >
        <Input.TextArea rows={3} maxLength={sms.text.maxLength} />
      </Form.Item>
      <Collapse
        ghost
        items={[{ key: "more", label: t("messages.more"), children: <MoreFields />, forceRender: true }]}
      />
      {draft && <MessagePreview content={bodyOf(draft)} />}
      {edit.base && <p className="hint">{t("messages.inFlight")}</p>}
    </EditDialog>
  );
}

function MoreFields() {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item
        name="transliterate"
        valuePropName="checked"
        label={t("newSend.transliterate")}
        layout="horizontal"
        extra={t("newSend.transliterateMeans")}
      >
        <Switch />
      </Form.Item>
      <Form.Item name="max_segments" label={t("newSend.maxSegments")}>
        <InputNumber
          min={sms.max_segments.minimum}
          max={sms.max_segments.maximum}
          precision={0}
          placeholder={t("newSend.anyNumber")}
        />
      </Form.Item>
      <Form.Item name="category" label={t("sends.category")} extra={t("messages.categoryMeans")}>
        <Select
          allowClear
          placeholder={t("newSend.noCategory")}
          options={category.enum.map((value) => ({ value, label: t(`category.${value}`) }))}
        />
      </Form.Item>
    </>
  );
}

/** TemplateFields are the template and its parameters as JSON. A template that is picked fills in a variable for each parameter. */
function TemplateFields() {
  const { t } = useTranslation();
  const form = Form.useFormInstance<Draft>();
  const language = Form.useWatch("language", form);
  const { account, isSynced } = useSender({});
  const limits = whatsapp.template;
  return (
    <>
      <Form.Item
        name="template"
        label={t(isSynced ? "templates.picked" : "newSend.templateName")}
        required
        rules={[
          validator((text = "") => {
            const reason = text === "" ? t("newSend.templateWanted") : t("newSend.templateName");
            return fits(text, limits.name) ? undefined : reason;
          }),
        ]}
      >
        {isSynced && account ? (
          <TemplatePicker
            account={account.name}
            language={language}
            onPick={(picked) =>
              form.setFieldsValue({
                template: picked.name,
                language: picked.language,
                parameters: parametersText(skeletonOf(picked)),
                ...(isCategory(picked.category) ? { category: picked.category } : {}),
              })
            }
          />
        ) : (
          <Input autoComplete="off" placeholder="order_shipped" />
        )}
      </Form.Item>
      <Form.Item
        name="language"
        label={t("newSend.language")}
        required
        rules={[validator((text = "") => (fits(text, limits.language) ? undefined : t("newSend.languageWrong")))]}
      >
        <Input autoComplete="off" placeholder="en_US" />
      </Form.Item>
      <Form.Item
        name="parameters"
        label={t("templates.parameters")}
        extra={t("messages.parametersMean")}
        rules={[validator((text = "") => (parseParameters(text) ? undefined : t("messages.parametersWrong")))]}
        validateDebounce={400}
      >
        <Input.TextArea className="code" rows={6} placeholder='{"body": ["{{name}}", "{{order}}"]}' />
      </Form.Item>
    </>
  );
}
