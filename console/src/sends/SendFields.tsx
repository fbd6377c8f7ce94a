// The fields of a new send: the WhatsApp message, the fallback, and what this send changes in its rules.
import { Collapse, DatePicker, Form, Input, InputNumber, Radio, Select, Switch } from "antd";
import { useTranslation } from "react-i18next";
import { AccountSelect } from "../accounts/AccountSelect";
import { AccountsSelect } from "../accounts/AccountsSelect";
import type { SendPreview } from "../api/client";
import { constraints } from "../api/constraints.gen";
import type { Message } from "../messages/draft";
import { bareNumber, checkRecipient, checkSendID, checkWait, validator } from "../rules/checks";
import { ruleTypes } from "../rules/meaning";
import type { Template } from "../templates/parameters";
import type { Sender } from "../templates/useSender";
import { WaitInput } from "../ui/WaitInput";
import type { Draft } from "./draft";
import { ExclusiveField } from "./ExclusiveField";
import { OwnRules } from "./OwnRules";
import { PolicySelect } from "./PolicySelect";
import { keepForm, SendAtField } from "./SendAtField";
import { StoredMessageFields } from "./StoredMessageFields";
import { TemplateFields } from "./TemplateFields";

const { whatsapp, fallback, category, if_opted_out } = constraints.SendInput;

interface MessageProps {
  kind: Draft["kind"];
  sender: Sender;
  template: Template | undefined; // if it is known
  message: Message | undefined; // the stored one, if it is loaded
  preview: SendPreview | undefined;
}

/** MessageFields are the fields of the WhatsApp message. */
export function MessageFields({ kind, sender, template, message, preview }: MessageProps) {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item
        name="to"
        label={t("sends.to")}
        required
        rules={[validator((to: string | undefined) => checkRecipient(bareNumber(to), t))]}
        validateDebounce={400}
      >
        <Input type="tel" placeholder="+447400123456" autoFocus autoComplete="off" />
      </Form.Item>
      <Form.Item name="account" label={t("newSend.account")} extra={t("newSend.accountMeans")}>
        <AccountSelect channel="whatsapp" placeholder={t("newSend.asThePolicy")} />
      </Form.Item>
      <Form.Item name="kind" label={t("newSend.kind")}>
        <Radio.Group
          options={[
            { value: "text", label: t("newSend.text") },
            { value: "template", label: t("newSend.template") },
            { value: "message", label: t("newSend.stored") },
          ]}
        />
      </Form.Item>
      {kind === "text" && <TextField />}
      {kind === "template" && <TemplateFields sender={sender} template={template} />}
      {kind === "message" && <StoredMessageFields message={message} preview={preview} />}
      <Form.Item name="category" label={t("sends.category")} extra={t("newSend.categoryMeans")}>
        <Select
          allowClear
          placeholder={t("newSend.noCategory")}
          options={category.enum.map((value) => ({ value, label: t(`category.${value}`) }))}
        />
      </Form.Item>
      <Form.Item name="if_opted_out" label={t("newSend.ifOptedOut")} extra={t("newSend.ifOptedOutMeans")}>
        <Select
          allowClear
          placeholder={t("newSend.optedOut.refuse")}
          options={if_opted_out.enum.map((value) => ({ value, label: t(`newSend.optedOut.${value}`) }))}
        />
      </Form.Item>
      <SendAtField />
    </>
  );
}

function TextField() {
  const { t } = useTranslation();
  return (
    <Form.Item
      name="text"
      label={t("newSend.whatsappText")}
      extra={t("newSend.window")}
      rules={[{ required: true, whitespace: true, message: t("newSend.textWanted") }]}
    >
      <Input.TextArea rows={4} maxLength={whatsapp.text.maxLength} />
    </Form.Item>
  );
}

interface FallbackProps extends Pick<MessageProps, "kind" | "preview"> {
  rulesOf: Draft["rules_of"];
}

/**
 * FallbackFields are the policy or the rules of the send, the text of the SMS unless a stored message has it, and, folded up, the
 * overrides of a policy.
 */
export function FallbackFields({ kind, rulesOf = "policy", preview }: FallbackProps) {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item name="rules_of" label={t("newSend.rulesOf")}>
        <Radio.Group
          options={[
            { value: "policy", label: t("newSend.rulesOfPolicy") },
            { value: "send", label: t("newSend.rulesOfSend") },
          ]}
        />
      </Form.Item>
      {rulesOf === "policy" ? (
        <Form.Item
          name="policy"
          label={t("sends.policy")}
          rules={[{ required: true, message: t("newSend.policyWanted") }]}
        >
          <PolicySelect />
        </Form.Item>
      ) : (
        <OwnRules />
      )}
      {kind === "message" ? (
        preview && (
          <p className="hint">
            <SMSLength preview={preview} />
          </p>
        )
      ) : (
        <SMSFields preview={preview} />
      )}
      <ExclusiveField />
      {rulesOf === "policy" ? (
        <Collapse
          ghost
          items={[{ key: "more", label: t("newSend.overrides"), children: <Overrides />, forceRender: true }]}
        />
      ) : (
        <LimitFields />
      )}
    </>
  );
}

function SMSFields({ preview }: { preview: SendPreview | undefined }) {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item
        name="sms"
        label={t("newSend.smsText")}
        rules={[{ required: true, whitespace: true, message: t("newSend.smsWanted") }]}
        extra={<SMSLength preview={preview} />}
      >
        <Input.TextArea rows={3} maxLength={fallback.text.maxLength} />
      </Form.Item>
      <Form.Item
        name="transliterate"
        valuePropName="checked"
        label={t("newSend.transliterate")}
        layout="horizontal"
        extra={t("newSend.transliterateMeans")}
      >
        <Switch />
      </Form.Item>
    </>
  );
}

/** LimitFields are the most segments of the SMS, and the time after which the message is useless. */
function LimitFields() {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item name="max_segments" label={t("newSend.maxSegments")}>
        <InputNumber
          min={fallback.max_segments.minimum}
          max={fallback.max_segments.maximum}
          precision={0}
          placeholder={t("newSend.anyNumber")}
        />
      </Form.Item>
      <Form.Item name="expires_at" label={t("sends.expires")} extra={t("newSend.expiresMeans")}>
        <DatePicker showTime onKeyDown={keepForm} />
      </Form.Item>
    </>
  );
}

/** SMSLength shows the length of the SMS, and its text if that is not as it is written. */
function SMSLength({ preview }: { preview: SendPreview | undefined }) {
  const { t } = useTranslation();
  const form = Form.useFormInstance<Draft>();
  const written = Form.useWatch("sms", form);
  const isPlain = Form.useWatch("transliterate", form);
  if (!preview) {
    return t("newSend.smsMeans");
  }
  const { encoding, length, segments } = preview.sms;
  const measured = t("newSend.smsLength", {
    encoding: encoding === "gsm7" ? "GSM-7" : "UCS-2",
    length,
    count: segments,
  });
  const text = preview.content.sms_text;
  return (
    <>
      {measured}
      {isPlain && written && text !== written && <div>{t("newSend.goesOut", { text })}</div>}
    </>
  );
}

/** Overrides replace the values of every rule, for this send only. */
function Overrides() {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item name="type" label={t("rules.type")}>
        <Select
          allowClear
          placeholder={t("newSend.asTheRule")}
          options={ruleTypes.map((value) => ({ value, label: t(`rules.types.${value}`) }))}
        />
      </Form.Item>
      <Form.Item
        name="wait"
        label={t("rules.wait")}
        rules={[validator((seconds: number | undefined) => checkWait(seconds, undefined, t))]}
      >
        <WaitInput />
      </Form.Item>
      <Form.Item
        name="send_id"
        label={t("rules.sendID")}
        rules={[validator((id: string | undefined) => (id ? checkSendID(id, t) : undefined))]}
      >
        <Input autoComplete="off" maxLength={fallback.send_id.maxLength} placeholder={t("newSend.asTheRule")} />
      </Form.Item>
      <Form.Item name="routes" label={t("rules.routes.label")} extra={t("newSend.routesMean")}>
        <AccountsSelect />
      </Form.Item>
      <LimitFields />
    </>
  );
}
