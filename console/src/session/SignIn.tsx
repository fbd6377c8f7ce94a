import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Card, Divider, Form, Input, Modal } from "antd";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { answered, api, ProblemError, type Schemas } from "../api/client";
import { sessionQuery, signInWaysQuery } from "../api/queries";
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
        <Fault />
        <SignInWays />
      </Card>
    </main>
  );
}

/** Fault shows why a sign-in at the identity provider failed. The server has led the browser here with the reason. */
function Fault() {
  const { t } = useTranslation();
  const [query] = useSearchParams();
  const fault = faults.find((one) => one === query.get("fault"));
  if (!fault) {
    return null;
  }
  return (
    <Alert
      className="problem"
      type={fault === "no_end" ? "info" : "error"}
      showIcon
      role="alert"
      title={t("people.faulty")}
      description={
        <>
          {t(`people.faults.${fault}`)}
          <div className="hint">
            {t("problem.request")} <code>{query.get("request")}</code>
          </div>
        </>
      }
    />
  );
}

const faults = [
  "state",
  "refused",
  "code",
  "client",
  "provider_away",
  "provider_malformed",
  "clock",
  "no_role",
  "limited",
  "unavailable",
  "no_end",
] as const satisfies Schemas["SignInFault"][];

/** SignInWays has the ways in: the identity provider, an API key, or both. */
function SignInWays({ isDialog = false }: { isDialog?: boolean }) {
  const { t } = useTranslation();
  const ways = useQuery(signInWaysQuery);
  if (ways.isPending) {
    return null;
  }
  const provider = ways.data?.provider;
  const hasKey = ways.data?.api_key ?? true;
  return (
    <>
      {provider && <ProviderButton name={provider.name || t("people.sso")} isDialog={isDialog} />}
      {provider && hasKey && <Divider plain>{t("people.or")}</Divider>}
      {!provider && !isDialog && <p>{t("session.invitation")}</p>}
      {hasKey && <SignInForm isFirst={!provider} />}
    </>
  );
}

/**
 * ProviderButton leads to the identity provider, and back to this page. The dialog opens a new tab, because what is typed on the
 * page below would be lost, and looks for the session when the user comes back.
 */
function ProviderButton({ name, isDialog }: { name: string; isDialog: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  useEffect(() => {
    const look = () => client.invalidateQueries({ ...sessionQuery, exact: true });
    if (isDialog) {
      window.addEventListener("focus", look);
    }
    return () => window.removeEventListener("focus", look);
  }, [client, isDialog]);
  const { pathname, search } = window.location;
  const to = search.includes("fault=") ? pathname : pathname + search;
  return (
    <>
      <Button
        type="primary"
        block
        href={`/console/session/oidc?${new URLSearchParams({ to })}`}
        {...(isDialog ? { target: "_blank", rel: "noreferrer" } : {})}
      >
        {t("people.signInAt", { name })}
      </Button>
      {isDialog ? (
        <p className="hint">{t("people.newTab")}</p>
      ) : (
        <p className="sign-in-end">
          <a href="/console/session/oidc/end">{t("people.signOutAt", { name })}</a>
        </p>
      )}
    </>
  );
}

/** SignInDialog asks for a sign-in over a page whose session has ended. */
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
      <SignInWays isDialog />
    </Modal>
  );
}

function SignInForm({ isFirst }: { isFirst: boolean }) {
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
        <Input.Password autoFocus={isFirst} autoComplete="current-password" onChange={() => signIn.reset()} />
      </Form.Item>
      {signIn.error && !wrongKey && <ProblemAlert error={signIn.error} />}
      <Button type={isFirst ? "primary" : "default"} htmlType="submit" block loading={signIn.isPending}>
        {t("session.signIn")}
      </Button>
    </Form>
  );
}
