import { useQuery } from "@tanstack/react-query";
import { Alert, Button, Card, Descriptions, Spin, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { type Send, type Session, serverNow } from "../api/client";
import { heartbeatQuery, sendQuery } from "../api/queries";
import { PolicyPicture } from "../policies/PolicyPicture";
import { happenedOf } from "../policies/picture";
import { countryName } from "../rules/countries";
import { ItemProblem } from "../ui/ItemProblem";
import { ExportOutlined, WarningOutlined } from "../ui/icons";
import { OutageNotice, useOutage } from "../ui/outage";
import { PageHeader } from "../ui/PageHeader";
import { TimeText } from "../ui/TimeText";
import { OutcomeTag } from "../ui/ToneTag";
import { Attempts } from "./Attempts";
import { ChannelCard } from "./ChannelCard";
import { Countdown } from "./Countdown";
import { Events } from "./Events";
import { type Link as Connection, useWatch } from "./useWatch";

export default function SendPage({ session }: { session: Session }) {
  const { id = "" } = useParams();
  const send = useQuery({ ...sendQuery(id), staleTime: Number.POSITIVE_INFINITY }); // the watch updates it
  const outage = useOutage(send);
  if (send.data) {
    return <Watched send={send.data} session={session} />;
  }
  return outage ? (
    <ItemProblem of="sends" id={id} error={outage.error} retry={outage.retry} />
  ) : (
    <Spin className="page-spin" />
  );
}

function Watched({ send, session }: { send: Send; session: Session }) {
  const { t } = useTranslation();
  const connection = useWatch(send.id);
  const outage = useOutage(useQuery(heartbeatQuery));
  const of = (channel: Send["attempts"][number]["channel"]) => send.attempts.filter((a) => a.channel === channel);
  return (
    <>
      <PageHeader title={t("sends.one", { to: send.to })} actions={<RunLink send={send} session={session} />}>
        <OutcomeTag outcome={send.outcome} />
      </PageHeader>
      {outage ? <OutageNotice outage={outage} /> : <Live connection={connection} />}
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
        <ChannelCard channel="whatsapp" state={send.whatsapp} idle="" attempts={of("whatsapp")} events={send.events} />
        <ChannelCard
          channel="sms"
          state={send.sms}
          idle={t(send.finished_at ? "sends.smsNotNeeded" : "sends.smsNotYet")}
          attempts={of("sms")}
          events={send.events}
        />
      </div>
      <div className="columns">
        <Card size="small" title={<h2>{t("sends.timeline")}</h2>}>
          <Events send={send} />
        </Card>
        <div>
          <Card size="small" title={<h2>{t("sends.plan", { policy: send.plan.policy_name })}</h2>}>
            <PolicyPicture rules={send.plan.rules} happened={happenedOf(send, new Date(serverNow()))} />
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
    { label: t("sends.accepted"), children: <TimeText at={send.accepted_at} /> },
    ...(send.expires_at ? [{ label: t("sends.expires"), children: <TimeText at={send.expires_at} /> }] : []),
    ...(send.finished_at ? [{ label: t("sends.finished"), children: <TimeText at={send.finished_at} /> }] : []),
  ];
  return (
    <Card size="small" title={<h2>{t("sends.about")}</h2>}>
      <Descriptions size="small" column={1} items={items.map((item) => ({ ...item, key: item.label }))} />
    </Card>
  );
}
