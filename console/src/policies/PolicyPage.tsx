import { useQuery } from "@tanstack/react-query";
import { Card, Space, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import type { Policy, Session } from "../api/client";
import { policyQuery } from "../api/queries";
import { meaning } from "../rules/meaning";
import { sendsPath } from "../sends/filter";
import { May } from "../session/may";
import { ButtonLink } from "../ui/ButtonLink";
import { DeleteDialog } from "../ui/DeleteDialog";
import { FactsCard } from "../ui/FactsCard";
import { ItemActions } from "../ui/ItemActions";
import { SendOutlined } from "../ui/icons";
import { LoadedItem } from "../ui/LoadedItem";
import { PageHeader } from "../ui/PageHeader";
import { curlMeans, curlOf } from "./curl";
import { PolicyDialog } from "./PolicyDialog";
import { PolicyPicture } from "./PolicyPicture";

/** PolicyPage shows one policy: what it does, and how to send by it. */
export default function PolicyPage({ session }: { session: Session }) {
  const { id = "" } = useParams();
  const policy = useQuery(policyQuery(id));
  return (
    <LoadedItem of="policies" id={id} query={policy}>
      {(loaded) => <Shown policy={loaded} isSandbox={session.sandbox} />}
    </LoadedItem>
  );
}

function Shown({ policy, isSandbox }: { policy: Policy; isSandbox: boolean }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<"edit" | "delete">();
  const close = () => setDialog(undefined);
  return (
    <>
      <PageHeader
        title={policy.name}
        path={[{ title: t("policies.title"), to: "/policies" }]}
        actions={
          <ItemActions
            edit={() => setDialog("edit")}
            remove={() => setDialog("delete")}
            history={`/audit?kind=policy&target=${policy.id}`}
          >
            <May scope="sends:write">
              <ButtonLink to={`/sends/new?policy=${policy.id}`} type="primary" icon={<SendOutlined />}>
                {t("policies.test")}
              </ButtonLink>
            </May>
          </ItemActions>
        }
      />
      <div className="columns">
        <div>
          <Card size="small" title={<h2>{t("policies.picture.title")}</h2>}>
            <PolicyPicture rules={policy.rules} />
          </Card>
          <Card size="small" title={<h2>{t("policies.curl")}</h2>}>
            <p className="hint">{curlMeans(isSandbox, t)}</p>
            <Curl text={curlOf(policy.id, window.location.origin)} />
          </Card>
        </div>
        <div>
          <Rules policy={policy} />
          <About policy={policy} />
        </div>
      </div>
      {dialog === "edit" && <PolicyDialog policy={policy} onClose={close} />}
      {dialog === "delete" && (
        <DeleteDialog of="policies" item={policy} onClose={close} onDeleted={() => navigate("/policies")} />
      )}
    </>
  );
}

function Rules({ policy }: { policy: Policy }) {
  const { t, i18n } = useTranslation();
  return (
    <Card size="small" title={<h2>{t("policies.included")}</h2>}>
      <ol className="inline-list numbered rule-facts">
        {policy.rules.map((rule) => (
          <li key={rule.id}>
            <Link to={`/rules/${rule.id}`}>{rule.name}</Link>
            <br />
            <small>{meaning(rule, t, i18n.language)}</small>
          </li>
        ))}
      </ol>
      {policy.rules.length > 1 && <p className="hint">{t("policies.orderMeans")}</p>}
    </Card>
  );
}

function About({ policy }: { policy: Policy }) {
  const { t } = useTranslation();
  const use = {
    label: t("policies.use"),
    children: (
      <Space size="middle" wrap>
        <Link to={sendsPath({ policy: policy.id })}>{t("policies.itsSends")}</Link>
        <Link to={`/?policy=${policy.id}`}>{t("policies.itsOverview")}</Link>
      </Space>
    ),
  };
  const account = {
    label: t("policies.account"),
    children: policy.account ? <Link to={`/accounts/${policy.account}`}>{policy.account}</Link> : t("accounts.default"),
  };
  return <FactsCard item={policy} before={[account]} after={[use]} />;
}

function Curl({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <div className="curl">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: an element that scrolls must be reachable by the keyboard (WCAG 2.1.1) */}
      <pre tabIndex={0}>{text}</pre>
      <Typography.Text copyable={{ text, tooltips: [t("sends.copy"), t("sends.copied")] }} />
    </div>
  );
}
