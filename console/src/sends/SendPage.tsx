import { useQuery } from "@tanstack/react-query";
import { Alert, Card, Descriptions, Spin, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { type Schemas, type Send, type Session, serverNow } from "../api/client";
import { heartbeatQuery, sendQuery } from "../api/queries";
import { SendOptOuts } from "../optOuts/SendOptOuts";
import { PolicyPicture } from "../policies/PolicyPicture";
import { happenedOf } from "../policies/picture";
import { policyName } from "../policies/policyName";
import { countryName } from "../rules/countries";
import { ItemProblem } from "../ui/ItemProblem";
import { OutageNotice, useOutage } from "../ui/outage";
import { PageHeader } from "../ui/PageHeader";
import { useNow } from "../ui/relativeTime";
import { TimeText } from "../ui/TimeText";
import { Attempts } from "./Attempts";
import { ChannelCard } from "./ChannelCard";
import { callerFacts } from "./callerFacts";
import { Events } from "./Events";
import { ExclusivityLine } from "./ExclusivityLine";
import { SendActions } from "./SendActions";
import { SendTag } from "./SendTag";
import { useReader } from "./useReader";
import { type Link as Connection, useWatch } from "./useWatch";
import { Verdict } from "./Verdict";
import { verdictOf } from "./verdict";
import { summaryOf } from "./verdictSummary";

export default function SendPage({ session }: { session: Session }) {
  const { id = "" } = useParams();
  const send = useQuery({ ...sendQuery(id), staleTime: Number.POSITIVE_INFINITY }); // the watch updates it
  const outage = useOutage(send);
  if (send.data) {
    return <Watched key={id} send={send.data} session={session} />;
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
  const reader = useReader();
  const verdict = verdictOf(send, useNow(1000), reader);
  const summary = () => summaryOf(send, verdict, window.location.href, reader);
  return (
    <>
      <PageHeader
        title={t("sends.one", { to: send.to })}
        path={[{ title: t("sends.title"), to: "/sends" }]}
        actions={<SendActions send={send} summary={summary} session={session} />}
      >
        <SendTag send={send} />
      </PageHeader>
      {outage ? <OutageNotice outage={outage} /> : <Live connection={connection} />}
      {send.content_unreadable && (
        <Alert
          className="problem"
          type="warning"
          showIcon
          title={t("sends.unreadable", { reason: send.content_unreadable })}
        />
      )}
      <Verdict send={send} verdict={verdict} />
      <div className="columns">
        <ChannelCard channel="whatsapp" send={send} />
        <ChannelCard channel="sms" send={send} />
      </div>
      <div className="columns">
        <Card size="small" title={<h2>{t("sends.timeline")}</h2>}>
          <Events send={send} />
        </Card>
        <Card size="small" title={<h2>{t("sends.plan", { policy: policyName(send.plan, t) })}</h2>}>
          <PolicyPicture rules={send.plan.rules} happened={happenedOf(send, new Date(serverNow()))} />
          <ExclusivityLine exclusivity={send.plan.exclusivity} />
        </Card>
      </div>
      <Card size="small" className="facts" title={<h2>{t("attempts.title")}</h2>}>
        <Attempts send={send} />
      </Card>
      <Facts send={send} />
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

/** UsedMessage names the stored message that the send was made of, and its version. The message may be deleted since. */
function UsedMessage({ message: { id, name, version } }: { message: Schemas["UsedMessage"] }) {
  const { t } = useTranslation();
  return <Link to={`/messages/${id}`}>{t("messages.usedVersion", { name, number: version })}</Link>;
}

function Facts({ send }: { send: Send }) {
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
      children: send.plan.policy_id ? (
        <Link to={`/policies/${send.plan.policy_id}`}>{send.plan.policy_name}</Link>
      ) : (
        policyName(send.plan, t)
      ),
    },
    ...(send.callback
      ? [
          {
            label: t("callbacks.ofSend"),
            children: (
              <Link className="break" to={`/callbacks?send=${send.id}`}>
                {send.callback.url}
              </Link>
            ),
          },
        ]
      : []),
    ...(send.message ? [{ label: t("messages.one"), children: <UsedMessage message={send.message} /> }] : []),
    ...(send.category ? [{ label: t("sends.category"), children: t(`category.${send.category}`) }] : []),
    ...callerFacts(send, t),
    { label: t("optOuts.ofSend"), children: <SendOptOuts send={send} /> },
    { label: t("sends.accepted"), children: <TimeText at={send.accepted_at} withZone /> },
    ...(send.send_at ? [{ label: t("sends.sendAt"), children: <TimeText at={send.send_at} withZone /> }] : []),
    ...(send.started_at ? [{ label: t("sends.started"), children: <TimeText at={send.started_at} withZone /> }] : []),
    ...(send.expires_at ? [{ label: t("sends.expires"), children: <TimeText at={send.expires_at} withZone /> }] : []),
    ...(send.finished_at
      ? [{ label: t("sends.finished"), children: <TimeText at={send.finished_at} withZone /> }]
      : []),
    ...(send.confirmed_at
      ? [{ label: t("sends.confirmed"), children: <TimeText at={send.confirmed_at} withZone /> }]
      : []),
  ];
  return (
    <Card size="small" className="facts" title={<h2>{t("sends.about")}</h2>}>
      <Descriptions
        size="small"
        column={{ xs: 1, lg: 2, xl: 3 }}
        items={items.map((item) => ({ ...item, key: item.label }))}
      />
    </Card>
  );
}
