import { useQuery } from "@tanstack/react-query";
import { Alert, Button, Card, Descriptions, Spin, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import type { Send, Session } from "../api/client";
import { sendQuery } from "../api/queries";
import { PolicyTimeline } from "../policies/PolicyTimeline";
import { countryName } from "../rules/countries";
import { ItemProblem } from "../ui/ItemProblem";
import { ExportOutlined, WarningOutlined } from "../ui/icons";
import { PageHeader } from "../ui/PageHeader";
import { OutcomeTag } from "../ui/ToneTag";
import { time } from "../ui/time";
import { Attempts } from "./Attempts";
import { ChannelCard } from "./ChannelCard";
import { Countdown } from "./Countdown";
import { Events } from "./Events";
import { type Link as Connection, useWatch } from "./useWatch";

export default function SendPage({ session }: { session: Session }) {
  const { id = "" } = useParams();
  const send = useQuery({ ...sendQuery(id), staleTime: Number.POSITIVE_INFINITY }); // the watch updates it
  if (send.data) {
    return <Watched send={send.data} session={session} />;
  }
  return send.error ? (
    <ItemProblem of="sends" id={id} error={send.error} retry={() => send.refetch()} />
  ) : (
    <Spin className="page-spin" />
  );
}

function Watched({ send, session }: { send: Send; session: Session }) {
  const { t } = useTranslation();
  const connection = useWatch(send.id);
  const of = (channel: Send["attempts"][number]["channel"]) => send.attempts.filter((a) => a.channel === channel);
  return (
    <>
      <PageHeader title={t("sends.one", { to: send.to })} actions={<RunLink send={send} session={session} />}>
        <OutcomeTag outcome={send.outcome} />
      </PageHeader>
      <Live connection={connection} />
      {send.duplicate_delivery && (
        <Alert className="problem" type="warning" showIcon icon={<WarningOutlined />} title={t("sends.duplicate")} />
      )}
      <Countdown send={send} />
      {send.fired && (
        <Alert
          className="problem"
          type="info"
          title={t("sends.fired", { rule: send.fired.rule })}
          description={send.fired.reason}
        />
      )}
      <div className="columns">
        <ChannelCard channel="whatsapp" state={send.whatsapp} idle="" attempts={of("whatsapp")} />
        <ChannelCard
          channel="sms"
          state={send.sms}
          idle={t(send.finished_at ? "sends.smsNotNeeded" : "sends.smsNotYet")}
          attempts={of("sms")}
        />
      </div>
      <div className="columns">
        <Card size="small" title={<h2>{t("sends.timeline")}</h2>}>
          <Events send={send} />
        </Card>
        <div>
          <Card size="small" title={<h2>{t("sends.plan", { policy: send.plan.policy_name })}</h2>}>
            <PolicyTimeline rules={send.plan.rules} fired={send.fired?.rule} />
          </Card>
          <About send={send} />
        </div>
      </div>
      <Card size="small" title={<h2>{t("attempts.title")}</h2>}>
        <Attempts attempts={send.attempts} />
      </Card>
    </>
  );
}

function Live({ connection }: { connection: Connection }) {
  const { t } = useTranslation();
  return (
    <p className="hint" role="status">
      <span className={`connection ${connection}`} aria-hidden="true" /> {t(`sends.link.${connection}`)}
    </p>
  );
}

/** RunLink is a link to the workflow of the send in the Temporal UI. */
function RunLink({ send, session }: { send: Send; session: Session }) {
  const { t } = useTranslation();
  if (!session.temporal_ui_url) {
    return null;
  }
  const namespace = encodeURIComponent(session.temporal_namespace);
  const workflow = encodeURIComponent(`send/${send.id}`);
  return (
    <Button
      icon={<ExportOutlined />}
      href={`${session.temporal_ui_url.replace(/\/$/, "")}/namespaces/${namespace}/workflows/${workflow}`}
      target="_blank"
      rel="noreferrer"
    >
      {t("sends.run")}
    </Button>
  );
}

function About({ send }: { send: Send }) {
  const { t, i18n } = useTranslation();
  const items = [
    {
      label: t("sends.id"),
      children: (
        <Typography.Text copyable={{ tooltips: [t("sends.copy"), t("sends.copied")] }}>{send.id}</Typography.Text>
      ),
    },
    { label: t("sends.country"), children: send.country ? countryName(send.country, i18n.language) : "–" },
    {
      label: t("sends.policy"),
      children: (
        <Link to={`/policies?search=${encodeURIComponent(send.plan.policy_name)}`}>{send.plan.policy_name}</Link>
      ),
    },
    ...(send.category ? [{ label: t("sends.category"), children: t(`category.${send.category}`) }] : []),
    { label: t("sends.accepted"), children: time(send.accepted_at, i18n.language) },
    ...(send.expires_at ? [{ label: t("sends.expires"), children: time(send.expires_at, i18n.language) }] : []),
    ...(send.finished_at ? [{ label: t("sends.finished"), children: time(send.finished_at, i18n.language) }] : []),
  ];
  return (
    <Card size="small" title={<h2>{t("sends.about")}</h2>}>
      <Descriptions size="small" column={1} items={items.map((item) => ({ ...item, key: item.label }))} />
    </Card>
  );
}
