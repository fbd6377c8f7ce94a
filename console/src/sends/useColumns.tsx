import { Tooltip } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { SendSummary } from "../api/client";
import { policyName } from "../policies/policyName";
import { WarningOutlined } from "../ui/icons";
import { type ListColumn, none } from "../ui/listColumns";
import { Name } from "../ui/Name";
import { TimeText } from "../ui/TimeText";
import { StatusTag } from "../ui/ToneTag";
import { useMedia } from "../ui/useMedia";
import { SendTag } from "./SendTag";
import { isScheduled } from "./schedule";

/** useColumns returns the columns of the list of sends. The reason has a column if there is room for it. */
export function useColumns(isOldestFirst: boolean): ListColumn<SendSummary>[] {
  const { t } = useTranslation();
  const isWide = useMedia("(min-width: 1400px), (max-width: 639px)");
  const columns: ListColumn<SendSummary>[] = [
    {
      title: t("sends.to"),
      dataIndex: "to",
      rowScope: "row",
      fixed: "left",
      width: 155,
      render: (_, send) => (
        <Link className="nowrap" to={`/sends/${send.id}`}>
          {send.to}
        </Link>
      ),
    },
    {
      title: t("sends.outcome"),
      key: "outcome",
      role: "status",
      width: 145,
      render: (_, send) => <OutcomeCell send={send} />,
    },
    {
      title: t("sends.accepted"),
      dataIndex: "accepted_at",
      width: 235,
      sorter: true,
      sortOrder: isOldestFirst ? "ascend" : "descend",
      orders: { ascend: t("sends.oldest"), descend: t("sends.newest") },
      sortDirections: ["descend", "ascend", "descend"], // never without an order
      render: (_, send) => <AcceptedCell send={send} />,
    },
    {
      title: t("sends.policy"),
      dataIndex: "policy_name",
      width: 140,
      render: (_, send) => <Name>{policyName(send, t)}</Name>,
    },
    {
      title: t("channel.whatsapp"),
      key: "whatsapp",
      width: 100,
      render: (_, send) => <StatusTag status={send.whatsapp.status} />,
    },
    {
      title: t("channel.sms"),
      key: "sms",
      width: 95,
      render: (_, send) => (send.sms ? <StatusTag status={send.sms.status} /> : none),
    },
    {
      title: t("sends.firedRule"),
      key: "fired",
      width: 135,
      render: (_, send) => (send.fired ? <FiredRule fired={send.fired} /> : none),
    },
  ];
  const reason: ListColumn<SendSummary> = {
    title: t("sends.reason"),
    key: "reason",
    width: 135,
    render: (_, send) =>
      send.fired ? (
        <Name>{send.fired.cause ? t(`overview.reasons.${send.fired.cause}`) : send.fired.reason}</Name>
      ) : (
        none
      ),
  };
  return isWide ? [...columns, reason] : columns;
}

function FiredRule({ fired }: { fired: NonNullable<SendSummary["fired"]> }) {
  return (
    <Tooltip title={fired.reason}>
      <span>
        <Name>{fired.rule}</Name>
      </span>
    </Tooltip>
  );
}

/** AcceptedCell shows when a send was accepted, and for a scheduled one when it starts. */
function AcceptedCell({ send }: { send: SendSummary }) {
  const { t } = useTranslation();
  return (
    <>
      <TimeText at={send.accepted_at} />
      {send.send_at && isScheduled(send) && (
        <div className="hint">
          {t("sends.startsAt")} <TimeText at={send.send_at} />
        </div>
      )}
    </>
  );
}

function OutcomeCell({ send }: { send: SendSummary }) {
  const { t } = useTranslation();
  return (
    <span className="nowrap">
      <SendTag send={send} />{" "}
      {send.duplicate_delivery && (
        <Tooltip title={t("sends.duplicate")}>
          <WarningOutlined role="img" aria-label={t("sends.duplicate")} />
        </Tooltip>
      )}
    </span>
  );
}
