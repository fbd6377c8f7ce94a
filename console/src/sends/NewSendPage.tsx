import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, App, Button, Card, Form } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";
import { answered, api, type Scenario, type SendInput, type Session } from "../api/client";
import { messageQuery, policiesQuery } from "../api/queries";
import { isCategory } from "../templates/template";
import { useSender, useTemplate } from "../templates/useSender";
import { showFieldErrors } from "../ui/formErrors";
import { SendOutlined } from "../ui/icons";
import { PageHeader } from "../ui/PageHeader";
import { ProblemAlert } from "../ui/ProblemView";
import { CallerFields } from "./CallerFields";
import { ConfirmSend } from "./ConfirmSend";
import { type Draft, fieldOfTemplate, inputOf } from "./draft";
import { forgetDraft } from "./forgetDraft";
import { type Kept, keep, kept } from "./keptDraft";
import { fieldOfMetadata } from "./metadata";
import { PlanPreview, usePreview } from "./PlanPreview";
import { ScenarioPicker } from "./ScenarioPicker";
import { FallbackFields, MessageFields } from "./SendFields";
import { testRecipient } from "./scenarios";

const emptyDraft: Partial<Draft> = { kind: "text", language: "en", rules_of: "policy" };
const standIn = "…"; // for a value that is missing, so that the plan shows before the form is complete

export default function NewSendPage({ session }: { session: Session }) {
  const { t } = useTranslation();
  const { message: toast } = App.useApp();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const [form] = Form.useForm<Draft>();
  const draft = Form.useWatch([], form) as Draft | undefined;
  const [planned, setPlanned] = useState<string>(); // the account of the newest plan
  const sender = useSender({ account: draft?.account, planned, policy: draft?.policy });
  const template = useTemplate(sender, draft?.template, draft?.language);
  const message = useStoredMessage(draft);
  const names = message?.variables ?? [];
  const isLoading = draft?.kind === "message" && !message; // its variables are not known
  const preview = usePreview(draft && !isLoading ? inputOf(draft, template, standIn, names) : undefined);
  const plannedNow = preview.data?.plan.account;
  useEffect(() => setPlanned((before) => plannedNow ?? before), [plannedNow]);
  const [failure, setFailure] = useState<unknown>();
  const [isFlawed, setIsFlawed] = useState(false); // a wrong field may be far from the button, out of view
  const [asked, setAsked] = useState<SendInput>(); // a real send asks once
  const store = useDraftStore();
  const [isRestored, setIsRestored] = useState(store.first !== undefined);
  const scenario = useScenario(session.scenarios, (values) => {
    form.setFieldsValue({ ...values, policy: form.getFieldValue("policy") ?? values.policy });
    store.keepDraft(form.getFieldsValue(true));
  });

  const kind = draft?.kind ?? "text";
  const chosen = { isPicked: sender.isSynced, template, own: draft?.own ?? false };
  const create = useMutation({
    mutationFn: (body: SendInput) =>
      answered(api.POST("/v1/sends", { params: { header: { "Idempotency-Key": store.keyOf(body) } }, body })),
    onMutate: () => setFailure(undefined),
    onSuccess: (send) => {
      forgetDraft();
      if (send.same_text) {
        toast.info(t("guards.sameTextAnswered"));
      }
      navigate(`/sends/${send.id}`);
    },
    onError: (error) =>
      setFailure(
        showFieldErrors(
          form,
          error,
          (_, wrong) => fieldOfMetadata(wrong, draft?.metadata) ?? fieldOfTemplate(wrong, chosen),
        ),
      ),
  });
  const submit = (body: SendInput) =>
    session.sandbox || store.isConfirmed(body) ? create.mutate(body) : setAsked(body);
  const startOver = () => {
    forgetDraft();
    setIsRestored(false);
    form.setFieldsValue({ ...emptyFields(form.getFieldsValue(true)), ...emptyDraft });
  };

  return (
    <>
      <PageHeader
        title={t("sends.new")}
        about={t(session.sandbox ? "newSend.aboutTest" : "newSend.about")}
        path={[{ title: t("sends.title"), to: "/sends" }]}
      />
      {isRestored && (
        <Alert
          className="problem"
          type="info"
          showIcon
          role="status"
          title={t("newSend.restored")}
          action={<Button onClick={startOver}>{t("newSend.startOver")}</Button>}
        />
      )}
      <Form<Draft>
        name="send"
        form={form}
        layout="vertical"
        className="new-send"
        initialValues={{
          ...emptyDraft,
          ...store.first,
          ...givenBy(params),
        }}
        onFinish={(values) => submit(inputOf(values, template, "", names))}
        onFinishFailed={() => setIsFlawed(true)}
        onValuesChange={() => {
          setIsFlawed(false);
          store.keepDraft(form.getFieldsValue(true));
        }}
        scrollToFirstError={{ focus: true }}
      >
        <div>
          {session.scenarios && (
            <ScenarioPicker scenarios={session.scenarios} value={scenario.picked} onPick={scenario.pick} />
          )}
          <Card size="small" title={<h2>{t("newSend.message")}</h2>}>
            <MessageFields kind={kind} sender={sender} template={template} message={message} preview={preview.data} />
          </Card>
          <Card size="small" title={<h2>{t("newSend.fallback")}</h2>}>
            <FallbackFields kind={kind} rulesOf={draft?.rules_of} preview={preview.data} />
          </Card>
          <Card size="small" title={<h2>{t("newSend.caller")}</h2>}>
            <CallerFields />
          </Card>
        </div>
        <div className="new-send-plan">
          <Card size="small" title={<h2>{t("newSend.plan")}</h2>}>
            <PlanPreview preview={preview} to={draft?.to ?? ""} />
            {isFlawed && <Alert className="problem" type="error" showIcon role="alert" title={t("newSend.flawed")} />}
            {failure !== undefined && <ProblemAlert error={failure} />}
            <Button type="primary" htmlType="submit" icon={<SendOutlined />} loading={create.isPending} block>
              {t(draft?.send_at ? "newSend.schedule" : "newSend.send")}
            </Button>
          </Card>
        </div>
      </Form>
      <ConfirmSend
        input={asked}
        preview={preview.data}
        onConfirm={(body) => {
          setAsked(undefined);
          store.confirm(body);
          create.mutate(body);
        }}
        onClose={() => setAsked(undefined)}
      />
    </>
  );
}

/** useStoredMessage returns the stored message of a draft; undefined if it has none, or it is not loaded yet. */
function useStoredMessage(draft: Draft | undefined) {
  const id = draft?.kind === "message" ? (draft.message ?? "") : "";
  return useQuery({ ...messageQuery(id), enabled: id !== "", retry: false }).data;
}

/** givenBy returns the fields that the address of the page gives. */
function givenBy(params: URLSearchParams): Partial<Draft> {
  const names = ["policy", "account", "template", "language", "message"] as const;
  const given = Object.fromEntries(names.flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : [])));
  const category = params.get("category") ?? "";
  return {
    ...given,
    ...(isCategory(category) && { category }),
    ...(given.policy && { rules_of: "policy" }),
    ...(given.template && { kind: "template" }),
    ...(given.message && { kind: "message" }),
  };
}

/** emptyFields returns undefined for each field, which empties it. */
function emptyFields(values: object): Partial<Draft> {
  return Object.fromEntries(Object.keys(values).map((name) => [name, undefined]));
}

/** useScenario returns the picked scenario of a test. The address may pick the first. */
function useScenario(scenarios: Scenario[] | undefined, fill: (values: Partial<Draft>) => void) {
  const { t } = useTranslation();
  const [params] = useSearchParams();
  const policies = useQuery({ ...policiesQuery({ limit: 50 }), enabled: scenarios !== undefined });
  const [picked, setPicked] = useState<string>();
  const pick = (scenario: Scenario) => {
    setPicked(scenario.digits);
    const policy = policies.data?.items[0]?.id;
    const texts = { text: t("newSend.testText"), sms: t("newSend.testText") };
    fill({ kind: "text", to: testRecipient(scenario), ...texts, ...(policy ? { policy } : {}) });
  };
  const wanted = scenarios?.find(({ digits }) => digits === params.get("scenario"));
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the policies are loaded
  useEffect(() => {
    if (wanted && !picked && policies.isSuccess) {
      pick(wanted);
    }
  }, [wanted, picked, policies.isSuccess]);
  return { picked, pick };
}

/**
 * useDraftStore keeps the draft and the key of its newest request in the browser. Each body has one key, so a second click, or a
 * retry after a lost answer or a reload, makes no second send.
 */
function useDraftStore() {
  const [first] = useState(kept);
  const current = useRef<Kept>(first ?? { draft: {} });
  const confirmed = useRef("");
  const change = (part: Partial<Kept>) => {
    current.current = { ...current.current, ...part };
    keep(current.current);
  };
  return {
    first: first?.draft,
    keepDraft: (draft: Partial<Draft>) => change({ draft }),
    keyOf: (input: SendInput): string => {
      const body = JSON.stringify(input);
      const { request } = current.current;
      const key = request?.body === body ? request.key : `console-${crypto.randomUUID()}`;
      change({ request: { body, key } });
      return key;
    },
    confirm: (input: SendInput) => {
      confirmed.current = JSON.stringify(input);
    },
    isConfirmed: (input: SendInput) => confirmed.current === JSON.stringify(input),
  };
}
