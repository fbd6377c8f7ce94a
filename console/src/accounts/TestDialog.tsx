import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, AutoComplete, Button, Form, Input, Modal, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, ProblemError, type Provider, type Scenario } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { type AccountItem, routesQuery, rulesQuery, sessionQuery } from "../api/queries";
import { bareNumber, checkRecipient, checkSendID, validator } from "../rules/checks";
import { testRecipient, useScenarioWords } from "../sends/scenarios";
import { focusFirst } from "../ui/focusFirst";
import { showFieldErrors } from "../ui/formErrors";
import { SendOutlined } from "../ui/icons";
import { ProblemAlert } from "../ui/ProblemView";
import { useFocusReturn } from "../ui/useFocusReturn";
import { TestResult } from "./TestResult";
import { fieldOf, inputOf, sendersOfAccount, smsScenarios, type TestDraft } from "./trial";

const { send_id: senderLimits, text: textLimits } = constraints.AccountTestInput;

interface Props {
  account: AccountItem;
  provider: Provider | undefined;
  onClose: () => void;
}

/** TestDialog sends test messages by an SMS account, one for each click, and shows what the provider answers. */
export function TestDialog({ account, provider, onClose }: Props) {
  const { t } = useTranslation();
  useFocusReturn();
  const [form] = Form.useForm<TestDraft>();
  const [failure, setFailure] = useState<unknown>();
  const session = useQuery(sessionQuery).data;
  const test = useMutation({
    mutationFn: (draft: TestDraft) =>
      answered(
        api.POST("/v1/accounts/{name}/test", { params: { path: { name: account.name } }, body: inputOf(draft) }),
      ),
    onMutate: () => setFailure(undefined),
    onError: (error) => setFailure(showFieldErrors(form, error, fieldOf)),
  });
  return (
    <Modal
      open
      title={t("accounts.testBy", { name: account.name })}
      width={620}
      onCancel={onClose}
      afterOpenChange={(open) => open && focusFirst(form, "to")}
      footer={
        <>
          <Button onClick={onClose}>{t("accounts.close")}</Button>
          <Button
            type="primary"
            htmlType="submit"
            form="account-test"
            icon={<SendOutlined />}
            loading={test.isPending}
            aria-disabled={test.isPending}
          >
            {t(test.data ? "accounts.testAgain" : "accounts.testNow")}
          </Button>
        </>
      }
    >
      <p>{t(session?.sandbox ? "accounts.testMeansSandbox" : "accounts.testMeans")}</p>
      {account.disabled && <p>{t("accounts.testDisabled")}</p>}
      <Form<TestDraft>
        name="account-test"
        form={form}
        layout="vertical"
        onFinish={(draft) => test.isPending || test.mutate(draft)}
        scrollToFirstError={{ focus: true }}
      >
        {session?.scenarios && (
          <ScenarioField scenarios={session.scenarios} onPick={(one) => form.setFieldValue("to", testRecipient(one))} />
        )}
        <Form.Item
          name="to"
          label={t("sends.to")}
          required
          rules={[validator((to: string | undefined) => checkRecipient(bareNumber(to), t))]}
          validateDebounce={400}
        >
          <Input type="tel" placeholder="+447400123456" autoComplete="off" />
        </Form.Item>
        <Form.Item
          name="send_id"
          label={t("rules.sendID")}
          extra={t("accounts.testSenderMeans")}
          rules={[validator((id: string | undefined) => (id ? checkSendID(id, t) : undefined))]}
        >
          <SenderInput account={account.name} />
        </Form.Item>
        <Form.Item name="text" label={t("newSend.smsText")} extra={t("accounts.testTextMeans")}>
          <Input.TextArea rows={2} maxLength={textLimits.maxLength} />
        </Form.Item>
      </Form>
      {failure !== undefined && <ProblemAlert error={failure} />}
      {failure instanceof ProblemError && !failure.problem && (
        <Alert
          type="warning"
          showIcon
          title={t("accounts.tested.unknown")}
          description={t("accounts.testedMeans.unknown")}
        />
      )}
      {test.data && <TestResult key={test.submittedAt} tested={test.data} account={account} provider={provider} />}
    </Modal>
  );
}

/** ScenarioField fills in a number: its last digits choose what the simulated provider does with the SMS. */
function ScenarioField({ scenarios, onPick }: { scenarios: Scenario[]; onPick: (scenario: Scenario) => void }) {
  const { t } = useTranslation();
  const wordsOf = useScenarioWords();
  const offered = smsScenarios(scenarios);
  return (
    <Form.Item name="scenario" label={t("newSend.scenario")}>
      <Select
        placeholder={t("newSend.pickScenario")}
        options={offered.map((one) => ({ value: one.digits, label: `${one.digits} · ${wordsOf(one).sms}` }))}
        onChange={(digits) => {
          const picked = offered.find((one) => one.digits === digits);
          if (picked) {
            onPick(picked);
          }
        }}
      />
    </Form.Item>
  );
}

interface SenderProps {
  id?: string; // the form gives all three
  value?: string;
  onChange?: (value: string) => void;
  account: string;
}

/** SenderInput takes a sender ID, and suggests those from which rules send by the account. */
function SenderInput({ account, ...input }: SenderProps) {
  const rules = useQuery(rulesQuery({ limit: 200 })).data?.items ?? [];
  const standard = useQuery(routesQuery).data?.items.find((route) => route.default)?.name;
  return (
    <AutoComplete
      {...input}
      maxLength={senderLimits.maxLength}
      defaultActiveFirstOption={false}
      options={sendersOfAccount(rules, account, standard).map((value) => ({ value }))}
    />
  );
}
