import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Card, Form } from "antd";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";
import { answered, api, type SendInput } from "../api/client";
import { showFieldErrors } from "../ui/formErrors";
import { SendOutlined } from "../ui/icons";
import { PageHeader } from "../ui/PageHeader";
import { ProblemAlert } from "../ui/ProblemView";
import { type Draft, fieldOf, inputOf } from "./draft";
import { PlanPreview, usePreview } from "./PlanPreview";
import { FallbackFields, MessageFields } from "./SendFields";

export default function NewSendPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const [form] = Form.useForm<Draft>();
  const draft = Form.useWatch([], form) as Draft | undefined;
  const preview = usePreview(draft);
  const [failure, setFailure] = useState<unknown>();
  const [isFlawed, setIsFlawed] = useState(false); // a wrong field may be far from the button, out of view
  const keyOf = useIdempotencyKey();

  const create = useMutation({
    mutationFn: (body: SendInput) =>
      answered(api.POST("/v1/sends", { params: { header: { "Idempotency-Key": keyOf(body) } }, body })),
    onMutate: () => setFailure(undefined),
    onSuccess: (send) => navigate(`/sends/${send.id}`),
    onError: (error) => setFailure(showFieldErrors(form, error, fieldOf)),
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
            <MessageFields kind={draft?.kind ?? "text"} />
          </Card>
          <Card size="small" title={<h2>{t("newSend.fallback")}</h2>}>
            <FallbackFields preview={preview.data} />
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

/**
 * useIdempotencyKey returns a function that gives each body a key, and the same key while the body stays the same. So a second
 * click, or a retry after a lost answer, makes no second send.
 */
function useIdempotencyKey(): (body: SendInput) => string {
  const newest = useRef({ body: "", key: "" });
  return (body) => {
    const text = JSON.stringify(body);
    if (newest.current.body !== text) {
      newest.current = { body: text, key: `console-${crypto.randomUUID()}` };
    }
    return newest.current.key;
  };
}
