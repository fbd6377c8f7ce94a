import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, Button, Card, Collapse, DatePicker, Form, Input, Radio, Select } from "antd";
import type { Dayjs } from "dayjs";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";
import {
  answered,
  api,
  ProblemError,
  type RuleType,
  type Schemas,
  type SendInput,
  type SendPreview,
} from "../api/client";
import { PolicyTimeline } from "../policies/PolicyTimeline";
import { checkRecipient, checkSendID, checkWait, validator } from "../rules/checks";
import { countryName } from "../rules/countries";
import { ruleTypes } from "../rules/meaning";
import { showFieldErrors } from "../ui/formErrors";
import { SendOutlined } from "../ui/icons";
import { PageHeader } from "../ui/PageHeader";
import { ProblemAlert } from "../ui/ProblemView";
import { WaitInput } from "../ui/WaitInput";
import { PolicySelect } from "./PolicySelect";

interface Draft {
  to: string;
  kind: "text" | "template";
  text: string;
  template: string;
  language: string;
  components: string;
  policy?: string;
  sms: string;
  category?: Schemas["Category"];
  type?: RuleType;
  wait?: number;
  send_id?: string;
  expires_at?: Dayjs;
}

/** inputOf is what the API is asked; components that are no JSON are left out, and told of by the form. */
function inputOf(draft: Draft): SendInput {
  const components = draft.components?.trim() ? parse(draft.components) : undefined;
  return {
    to: (draft.to ?? "").replace(/[\s()-]/g, ""),
    whatsapp:
      draft.kind === "template"
        ? {
            template: {
              name: draft.template ?? "",
              language: draft.language ?? "",
              ...(components ? { components } : {}),
            },
          }
        : { text: draft.text ?? "" },
    fallback: {
      policy_id: draft.policy ?? "",
      text: draft.sms ?? "",
      ...(draft.type ? { type: draft.type } : {}),
      ...(draft.wait === undefined || draft.wait === null ? {} : { wait_seconds: draft.wait }),
      ...(draft.send_id ? { send_id: draft.send_id } : {}),
    },
    ...(draft.category ? { category: draft.category } : {}),
    ...(draft.expires_at ? { expires_at: draft.expires_at.toISOString() } : {}),
  };
}

function parse(text: string): Record<string, never>[] | undefined {
  try {
    const value = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const fieldNames: Record<string, string> = {
  to: "to",
  category: "category",
  expires_at: "expires_at",
  "whatsapp.text": "text",
  "whatsapp.template.name": "template",
  "whatsapp.template.language": "language",
  "whatsapp.template.components": "components",
  "fallback.policy_id": "policy",
  "fallback.text": "sms",
  "fallback.type": "type",
  "fallback.wait_seconds": "wait",
  "fallback.send_id": "send_id",
};

export default function NewSendPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const [form] = Form.useForm<Draft>();
  const draft = Form.useWatch([], form) as Draft | undefined;
  const kind = draft?.kind ?? "text";
  const preview = usePreview(draft);
  const [failure, setFailure] = useState<unknown>();
  const [isFlawed, setIsFlawed] = useState(false); // what is wrong may be out of sight of the button
  // One key for what is on the form: sent twice, by a second click or after a lost answer, it is one send.
  const key = useRef({ body: "", key: "" });

  const create = useMutation({
    mutationFn: (body: SendInput) => {
      const written = JSON.stringify(body);
      if (key.current.body !== written) {
        key.current = { body: written, key: `console-${crypto.randomUUID()}` };
      }
      return answered(api.POST("/v1/sends", { params: { header: { "Idempotency-Key": key.current.key } }, body }));
    },
    onMutate: () => setFailure(undefined),
    onSuccess: (send) => navigate(`/sends/${send.id}`),
    onError: (error) => setFailure(showFieldErrors(form, error, (path) => fieldNames[path])),
  });

  return (
    <>
      <PageHeader title={t("sends.new")} about={t("newSend.about")} />
      <Form<Draft>
        name="send"
        form={form}
        layout="vertical"
        className="new-send"
        initialValues={{ kind: "text", policy: params.get("policy") ?? undefined, language: "en" }}
        onFinish={(values) => create.mutate(inputOf(values))}
        onFinishFailed={() => setIsFlawed(true)}
        onValuesChange={() => setIsFlawed(false)}
        scrollToFirstError={{ focus: true }}
      >
        <div>
          <Card size="small" title={<h2>{t("newSend.message")}</h2>}>
            <Form.Item
              name="to"
              label={t("sends.to")}
              required
              rules={[validator((to: string) => checkRecipient((to ?? "").replace(/[\s()-]/g, ""), t))]}
              validateDebounce={400}
            >
              <Input type="tel" placeholder="+447400123456" autoFocus autoComplete="off" />
            </Form.Item>
            <Form.Item name="kind" label={t("newSend.kind")}>
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
                <Input.TextArea rows={4} maxLength={4096} />
              </Form.Item>
            ) : (
              <TemplateFields />
            )}
            <Form.Item name="category" label={t("sends.category")} extra={t("newSend.categoryMeans")}>
              <Select
                allowClear
                placeholder={t("newSend.noCategory")}
                options={(["authentication", "utility", "marketing"] as const).map((value) => ({
                  value,
                  label: t(`category.${value}`),
                }))}
              />
            </Form.Item>
          </Card>
          <Card size="small" title={<h2>{t("newSend.fallback")}</h2>}>
            <Form.Item
              name="policy"
              label={t("sends.policy")}
              rules={[{ required: true, message: t("newSend.policyWanted") }]}
            >
              <PolicySelect />
            </Form.Item>
            <Form.Item
              name="sms"
              label={t("newSend.smsText")}
              rules={[{ required: true, whitespace: true, message: t("newSend.smsWanted") }]}
              extra={<SMSLength preview={preview.data} />}
            >
              <Input.TextArea rows={3} maxLength={1600} />
            </Form.Item>
            <Overrides />
          </Card>
        </div>
        <div className="new-send-plan">
          <Card size="small" title={<h2>{t("newSend.plan")}</h2>}>
            <PlanPreview preview={preview} to={draft?.to ?? ""} />
            {isFlawed && <Alert className="problem" type="error" showIcon role="alert" title={t("newSend.flawed")} />}
            {failure !== undefined && <ProblemAlert error={failure} />}
            <Button type="primary" htmlType="submit" icon={<SendOutlined />} loading={create.isPending} block>
              {t("newSend.send")}
            </Button>
          </Card>
        </div>
      </Form>
    </>
  );
}

function TemplateFields() {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item
        name="template"
        label={t("newSend.templateName")}
        rules={[
          { required: true, message: t("newSend.templateWanted") },
          { pattern: /^[a-z0-9_]{1,512}$/, message: t("newSend.templateName") },
        ]}
      >
        <Input autoComplete="off" placeholder="order_shipped" />
      </Form.Item>
      <Form.Item
        name="language"
        label={t("newSend.language")}
        rules={[{ required: true, pattern: /^[a-z]{2,3}(_[A-Z]{2,3})?$/, message: t("newSend.languageWrong") }]}
      >
        <Input autoComplete="off" placeholder="en_US" />
      </Form.Item>
      <Form.Item
        name="components"
        label={t("newSend.components")}
        extra={t("newSend.componentsMean")}
        rules={[validator((text: string) => (!text?.trim() || parse(text) ? undefined : t("newSend.componentsWrong")))]}
        validateDebounce={400}
      >
        <Input.TextArea
          className="code"
          rows={5}
          placeholder='[{"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}]'
        />
      </Form.Item>
    </>
  );
}

/** Overrides replace the values of every rule, for this send only. */
function Overrides() {
  const { t } = useTranslation();
  const fields = (
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
        <Input autoComplete="off" maxLength={16} placeholder={t("newSend.asTheRule")} />
      </Form.Item>
      <Form.Item name="expires_at" label={t("sends.expires")} extra={t("newSend.expiresMeans")}>
        <DatePicker showTime />
      </Form.Item>
    </>
  );
  return (
    <Collapse ghost items={[{ key: "more", label: t("newSend.overrides"), children: fields, forceRender: true }]} />
  );
}

const previewPause = 350; // ms without a change, before the API is asked

/** usePreview asks the API what the send would follow, as soon as there is a policy and somebody to send to. */
function usePreview(draft: Draft | undefined) {
  const input = draft && inputOf(draft);
  // What has not been typed yet is nobody's mistake: a stand-in lets the plan be seen before the texts are written.
  const asked =
    input?.fallback.policy_id && /^\+[1-9][0-9]{6,14}$/.test(input.to)
      ? JSON.stringify({
          ...input,
          whatsapp: complete(input.whatsapp) ? input.whatsapp : { text: "…" },
          fallback: { ...input.fallback, text: input.fallback.text || "…" },
        })
      : "";
  const [settled, setSettled] = useState(asked);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(asked), previewPause);
    return () => clearTimeout(timer);
  }, [asked]);
  return useQuery({
    queryKey: ["preview", settled],
    queryFn: ({ signal }) =>
      answered(api.POST("/v1/sends/preview", { body: JSON.parse(settled) as SendInput, signal })),
    enabled: settled !== "",
    placeholderData: (previous) => (settled === "" ? undefined : previous),
  });
}

function complete(message: SendInput["whatsapp"]): boolean {
  return message.template
    ? message.template.name !== "" && message.template.language.length > 1
    : Boolean(message.text);
}

function PlanPreview({ preview, to }: { preview: ReturnType<typeof usePreview>; to: string }) {
  const { t, i18n } = useTranslation();
  if (preview.error instanceof ProblemError) {
    return <ProblemAlert error={preview.error} />;
  }
  if (!preview.data) {
    const number = to.replace(/[\s()-]/g, "");
    return <p className="hint">{(number && checkRecipient(number, t)) || t("newSend.planLater")}</p>;
  }
  const { plan, country, warnings } = preview.data;
  return (
    <div aria-live="polite">
      <p>
        <strong>{plan.policy_name}</strong>
        {country && <> · {countryName(country, i18n.language)}</>}
      </p>
      <PolicyTimeline rules={plan.rules} />
      {warnings?.map((warning) => (
        <Alert
          key={warning.code}
          className="problem"
          type="warning"
          showIcon
          title={t(`newSend.warnings.${warning.code}`)}
          description={warning.detail}
        />
      ))}
    </div>
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
