import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Card, Form, Input } from "antd";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, ProblemError } from "../api/client";
import { sessionQuery } from "../api/queries";
import { Logo } from "../ui/Logo";
import { ProblemAlert } from "../ui/ProblemView";

export function SignIn() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const signIn = useMutation({
    meta: { signsIn: true },
    mutationFn: (body: { api_key: string }) =>
      answered(api.POST("/console/session", { body: { api_key: body.api_key.trim() } })),
    onSuccess: (session) => client.setQueryData(sessionQuery.queryKey, session),
  });
  useEffect(() => {
    document.title = `${t("session.signIn")} · Backstop`;
  }, [t]);
  const wrongKey = signIn.error instanceof ProblemError && signIn.error.is("unauthorized");
  return (
    <main className="sign-in">
      <Card className="sign-in-card">
        <h1 className="brand">
          <Logo /> Backstop
        </h1>
        <p>{t("session.invitation")}</p>
        <Form
          name="session"
          layout="vertical"
          requiredMark={false}
          onFinish={signIn.mutate}
          disabled={signIn.isPending}
        >
          <Form.Item
            name="api_key"
            label={t("session.key")}
            extra={t("session.where")}
            rules={[{ required: true, whitespace: true, message: t("session.keyWanted") }]}
            {...(wrongKey ? { validateStatus: "error", help: t("session.wrongKey") } : {})}
          >
            <Input.Password autoFocus autoComplete="current-password" onChange={() => signIn.reset()} />
          </Form.Item>
          {signIn.error && !wrongKey && <ProblemAlert error={signIn.error} />}
          <Button type="primary" htmlType="submit" block loading={signIn.isPending}>
            {t("session.signIn")}
          </Button>
        </Form>
      </Card>
    </main>
  );
}
