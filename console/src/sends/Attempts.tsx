import type { TableColumnsType } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { ScrollTable } from "../ui/ScrollTable";
import { StatusTag, ToneTag } from "../ui/ToneTag";
import { exact, exactClock } from "../ui/time";

type Attempt = Schemas["Attempt"];

/** Attempts lists the attempts with the newest call and its answer. */
export function Attempts({ attempts }: { attempts: Attempt[] }) {
  const { t, i18n } = useTranslation();
  const columns: TableColumnsType<Attempt> = [
    { title: t("attempts.started"), key: "started", render: (_, a) => exactClock(a.started_at, i18n.language) },
    { title: t("attempts.channel"), key: "channel", render: (_, a) => t(`channel.${a.channel}`) },
    { title: t("attempts.provider"), dataIndex: "provider" },
    {
      title: t("attempts.state"),
      key: "state",
      render: (_, a) => (
        <ToneTag tone={a.state === "accepted" ? "good" : a.state === "calling" ? "wait" : "bad"}>
          {t(`attempts.states.${a.state}`)}
        </ToneTag>
      ),
    },
    { title: t("attempts.status"), key: "status", render: (_, a) => a.status && <StatusTag status={a.status} /> },
    {
      title: t("attempts.took"),
      key: "took",
      render: (_, a) =>
        a.ended_at && exact((Date.parse(a.ended_at) - Date.parse(a.started_at)) / 1000, t, i18n.language),
    },
    { title: t("attempts.answer"), key: "answer", render: (_, a) => <Answer attempt={a} /> },
  ];
  return (
    <ScrollTable<Attempt>
      label={t("attempts.title")}
      rowKey={(a) => `${a.step}.${a.number}`}
      columns={columns}
      dataSource={attempts}
      locale={{ emptyText: t("attempts.none") }}
    />
  );
}

/** Answer shows the provider's answer: its id of the message, or why the call failed. */
function Answer({ attempt }: { attempt: Attempt }) {
  const { t } = useTranslation();
  const { failure } = attempt;
  return (
    <>
      {failure && (
        <div>
          {failure.code && <code>{failure.code}</code>} {failure.reason}
          {failure.class && <> ({t(`attempts.classes.${failure.class}`)})</>}
          {failure.retry_after_seconds && <> · {t("attempts.retryAfter", { count: failure.retry_after_seconds })}</>}
        </div>
      )}
      {attempt.message_id && <code className="break">{attempt.message_id}</code>}
      {attempt.reason && <div className="hint">{attempt.reason}</div>}
    </>
  );
}
