import { useQuery } from "@tanstack/react-query";
import { Alert, Card, Descriptions } from "antd";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import type { Provider } from "../api/client";
import { type AccountItem, accountQuery, providersQuery, rulesQuery } from "../api/queries";
import { countriesText } from "../rules/meaning";
import { sendsPath } from "../sends/filter";
import { LoadedItem } from "../ui/LoadedItem";
import { Name } from "../ui/Name";
import { PageHeader } from "../ui/PageHeader";
import { TimeText } from "../ui/TimeText";
import { AccountActions, type Opened } from "./AccountActions";
import { AccountDialog } from "./AccountDialog";
import { CheckResult, useCheck } from "./CheckResult";
import { DeleteAccount } from "./DeleteAccount";
import { FormerSecrets } from "./FormerSecrets";
import { fieldsOf, isStored, labelOf } from "./fields";
import { HealthTag, HealthWords, StateTags } from "./HealthTag";
import { NumberConcerns, NumberProfile } from "./NumberProfile";
import { TestDialog } from "./TestDialog";
import { stateOf, Unchecked } from "./Unchecked";
import { Webhook } from "./Webhook";

/** AccountPage shows one account: its settings, whether it works, and where the provider sends its receipts. */
export default function AccountPage() {
  const { name = "" } = useParams();
  const account = useQuery(accountQuery(name));
  return (
    <LoadedItem of="accounts" id={name} query={account}>
      {(loaded) => <Shown key={name} account={loaded} />}
    </LoadedItem>
  );
}

function Shown({ account }: { account: AccountItem }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const provider = useQuery(providersQuery).data?.items.find(({ name }) => name === account.provider);
  const [opened, open] = useState<Opened>();
  const check = useCheck(account.name);
  const close = () => open(undefined);
  return (
    <>
      <PageHeader
        title={account.name}
        path={[{ title: t("accounts.title"), to: "/accounts" }]}
        actions={<AccountActions account={account} check={check} onOpen={open} />}
      >
        <HealthTag health={account.health} />
        <StateTags account={account} />
      </PageHeader>
      {account.fault && (
        <Alert
          className="problem"
          type="error"
          showIcon
          role="alert"
          title={t("accounts.faultMeans")}
          description={<span lang="en">{account.fault}</span>}
        />
      )}
      {account.hides_stored && (
        <Alert
          className="problem"
          type="warning"
          showIcon
          title={t("accounts.hidesStored")}
          description={t("accounts.hidesStoredMeans")}
        />
      )}
      <NumberConcerns account={account} />
      <Unchecked title={provider?.title ?? account.provider} />
      <CheckResult check={check} provider={provider} />
      <div className="columns">
        <Settings account={account} provider={provider} />
        <div>
          <Health account={account} />
          <NumberProfile account={account} />
          <Webhook account={account} provider={provider} />
          <FormerSecrets account={account} provider={provider} />
          {account.channel === "sms" && <Rules account={account} />}
          <About account={account} />
        </div>
      </div>
      {opened === "edit" && (
        <AccountDialog
          account={account}
          onClose={close}
          onSaved={(saved) => navigate(".", { replace: true, state: stateOf(saved) })}
        />
      )}
      {opened === "delete" && (
        <DeleteAccount account={account} onClose={close} onDeleted={() => navigate("/accounts")} />
      )}
      {opened === "test" && <TestDialog account={account} provider={provider} onClose={close} />}
    </>
  );
}

interface Fact {
  label: string;
  children: ReactNode;
}

function Facts({ title, facts }: { title: string; facts: Fact[] }) {
  return (
    <Card size="small" title={<h2>{title}</h2>}>
      <Descriptions size="small" column={1} items={facts.map((fact) => ({ ...fact, key: fact.label }))} />
    </Card>
  );
}

function Settings({ account, provider }: { account: AccountItem; provider: Provider | undefined }) {
  const { t, i18n } = useTranslation();
  const { on_unknown, when_unhealthy, call_timeout_seconds, calls_per_second, calls_at_once } = account;
  const settings = provider
    ? fieldsOf(provider, account.channel).map((field) => ({
        label: labelOf(field, i18n.language),
        children:
          field.kind === "secret" ? (
            t(isStored(account, field) ? "accounts.secretSet" : "accounts.notSet")
          ) : (
            <Value text={account.settings[field.name]} />
          ),
      }))
    : Object.entries(account.settings).map(([label, text]) => ({ label, children: <Value text={text} /> }));
  const facts: Fact[] = [
    { label: t("accounts.provider"), children: provider?.title ?? account.provider },
    { label: t("accounts.channel"), children: t(`channel.${account.channel}`) },
    ...settings,
    { label: t("accounts.onUnknown.label"), children: t(`accounts.onUnknown.${on_unknown}`) },
    ...(account.channel === "whatsapp"
      ? [{ label: t("accounts.whenUnhealthy.label"), children: t(`accounts.whenUnhealthy.${when_unhealthy}`) }]
      : []),
    { label: t("accounts.timeout"), children: t("duration.second", { count: call_timeout_seconds }) },
    { label: t("accounts.perSecond"), children: calls_per_second || t("accounts.noLimit") },
    { label: t("accounts.atOnce"), children: calls_at_once || t("accounts.noLimit") },
    { label: t("rules.countries"), children: countriesText(account, t, i18n.language) },
  ];
  return <Facts title={t("accounts.settings")} facts={facts} />;
}

function Value({ text }: { text: string | undefined }) {
  const { t } = useTranslation();
  if (!text) {
    return t("accounts.notSet");
  }
  return text.includes("\n") ? <pre className="setting">{text}</pre> : <span className="break">{text}</span>;
}

function Health({ account: { health } }: { account: AccountItem }) {
  const { t } = useTranslation();
  return (
    <Card size="small" title={<h2>{t("accounts.health.title")}</h2>} extra={<HealthTag health={health} />}>
      <p>
        {t(`accounts.healthMeans.${health.state}`, {
          context: health.state === "unknown" && health.reason ? "changed" : undefined,
        })}
      </p>
      <HealthWords health={health} />
    </Card>
  );
}

const mostRules = 20; // shown

/** Rules lists the rules that name an SMS account as a route. */
function Rules({ account }: { account: AccountItem }) {
  const { t } = useTranslation();
  const rules = useQuery(rulesQuery({ account: account.name, limit: mostRules, sort: "name" })).data;
  if (!rules) {
    return null;
  }
  return (
    <Card size="small" title={<h2>{t("accounts.rules")}</h2>}>
      {rules.items.length > 0 ? (
        <ul className="inline-list">
          {rules.items.map(({ id, name }) => (
            <li key={id}>
              <Link to={`/rules/${id}`}>
                <Name>{name}</Name>
              </Link>
            </li>
          ))}
          {rules.next_cursor && <li>…</li>}
        </ul>
      ) : (
        <p className="hint">{t("accounts.noRules")}</p>
      )}
    </Card>
  );
}

function About({ account }: { account: AccountItem }) {
  const { t } = useTranslation();
  const facts: Fact[] = [
    {
      label: t("accounts.source"),
      children: t(account.source === "environment" ? "accounts.environmentMeans" : "accounts.databaseMeans"),
    },
    ...(account.created_at ? [{ label: t("list.created"), children: <TimeText at={account.created_at} /> }] : []),
    ...(account.updated_at ? [{ label: t("list.updated"), children: <TimeText at={account.updated_at} /> }] : []),
    ...(account.channel === "sms"
      ? [
          {
            label: t("policies.use"),
            children: <Link to={sendsPath({ route: account.name })}>{t("accounts.itsSends")}</Link>,
          },
        ]
      : []),
  ];
  return <Facts title={t("list.facts")} facts={facts} />;
}
