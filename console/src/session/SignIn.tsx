import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Card, Form, Input, Modal } from "antd";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, ProblemError } from "../api/client";
import { sessionQuery } from "../api/queries";
import { Logo } from "../ui/Logo";
import { ProblemAlert } from "../ui/ProblemView";

/** SignIn is the page without a session. */
export function SignIn() {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = `${t("session.signIn")} · Backstop`;
  }, [t]);
  return (
    <main className="sign-in">
      <Card className="sign-in-card">
        <h1 className="brand">
          <Logo /> Backstop
        </h1>
        <p>{t("session.invitation")}</p>
        <SignInForm />
      </Card>
    </main>
  );
}

/** SignInDialog asks for the key over a page whose session has ended. */
export function SignInDialog({ open }: { open: boolean }) {
  const { t } = useTranslation();
  return (
    <Modal
      open={open}
      title={t("session.again")}
      width={400}
      zIndex={3000} // above the dialogs of the page
      footer={null}
      closable={false}
      keyboard={false}
      mask={{ closable: false }}
      destroyOnHidden
    >
      <p>{t("session.ended")}</p>
      <SignInForm />
    </Modal>
  );
}

function SignInForm() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const signIn = useMutation({
    mutationFn: (body: { api_key: string }) =>
      answered(api.POST("/console/session", { body: { api_key: body.api_key.trim() } })),
    onSuccess: async (session) => {
      await client.cancelQueries(sessionQuery); // its answer may be from before
      client.setQueryData(sessionQuery.queryKey, session);
    },
  });
  const wrongKey = signIn.error instanceof ProblemError && signIn.error.is("unauthorized");
  return (
    <Form name="session" layout="vertical" requiredMark={false} onFinish={signIn.mutate} disabled={signIn.isPending}>
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
  );
}
