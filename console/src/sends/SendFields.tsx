// The fields of a new send: the WhatsApp message, the fallback, and what this send changes in its rules.
import { Collapse, DatePicker, Form, Input, Radio, Select } from "antd";
import { useTranslation } from "react-i18next";
import { AccountSelect } from "../accounts/AccountSelect";
import { AccountsSelect } from "../accounts/AccountsSelect";
import type { SendPreview } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { bareNumber, checkRecipient, checkSendID, checkWait, validator } from "../rules/checks";
import { ruleTypes } from "../rules/meaning";
import type { Template } from "../templates/parameters";
import type { Sender } from "../templates/useSender";
import { WaitInput } from "../ui/WaitInput";
import type { Draft } from "./draft";
import { OwnRules } from "./OwnRules";
import { PolicySelect } from "./PolicySelect";
import { keepForm, SendAtField } from "./SendAtField";
import { TemplateFields } from "./TemplateFields";

const { whatsapp, fallback, category, if_opted_out } = constraints.SendInput;

interface MessageProps {
  kind: Draft["kind"];
  sender: Sender;
  template: Template | undefined; // if it is known
}

/** MessageFields are the fields of the WhatsApp message. */
export function MessageFields({ kind, sender, template }: MessageProps) {
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
          ]}
        />
      </Form.Item>
      {kind === "text" ? <TextField /> : <TemplateFields sender={sender} template={template} />}
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

interface FallbackProps {
  rulesOf: Draft["rules_of"];
  preview: SendPreview | undefined;
}

/** FallbackFields are the policy or the rules of the send, the text of the SMS and, folded up, the overrides of a policy. */
export function FallbackFields({ rulesOf = "policy", preview }: FallbackProps) {
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
      <Form.Item
        name="sms"
        label={t("newSend.smsText")}
        rules={[{ required: true, whitespace: true, message: t("newSend.smsWanted") }]}
        extra={<SMSLength preview={preview} />}
      >
        <Input.TextArea rows={3} maxLength={fallback.text.maxLength} />
      </Form.Item>
      {rulesOf === "policy" ? (
        <Collapse
          ghost
          items={[{ key: "more", label: t("newSend.overrides"), children: <Overrides />, forceRender: true }]}
        />
      ) : (
        <ExpiresField />
      )}
    </>
  );
}

function ExpiresField() {
  const { t } = useTranslation();
  return (
    <Form.Item name="expires_at" label={t("sends.expires")} extra={t("newSend.expiresMeans")}>
      <DatePicker showTime onKeyDown={keepForm} />
    </Form.Item>
  );
}

function SMSLength({ preview }: { preview: SendPreview | undefined }) {
  const { t } = useTranslation();
  if (!preview) {
    return t("newSend.smsMeans");
  }
  const { encoding, length, segments } = preview.sms;
  return t("newSend.smsLength", { encoding: encoding === "gsm7" ? "GSM-7" : "UCS-2", length, count: segments });
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
      <ExpiresField />
    </>
  );
}
