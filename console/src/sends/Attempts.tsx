import { Typography } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Send } from "../api/client";
import { ScrollTable } from "../ui/ScrollTable";
import { ToneTag } from "../ui/ToneTag";
import { exact, exactClock, zonedTime } from "../ui/time";
import { useNarrow } from "../ui/useMedia";
import { Advice, Cause, Log } from "./Cause";
import { explain, providerName } from "./explanation";
import { firedWords } from "./fired";
import { type Message, messagesOf } from "./messages";
import { accountText, routedWords } from "./sender";
import { useReader } from "./useReader";
import { toneOfState } from "./verdict";

interface Column {
  key: string;
  title: string;
  render: (message: Message) => ReactNode;
}

/** Attempts lists each message of a send: by which sender and account, its state, its error, and the newest call for it. */
export function Attempts({ send }: { send: Send }) {
  const { t } = useTranslation();
  const isNarrow = useNarrow();
  const messages = messagesOf(send).filter(({ attempt }) => attempt);
  const columns = useColumns(send);
  if (messages.length === 0) {
    return <p className="hint">{t("attempts.none")}</p>;
  }
  if (isNarrow) {
    return (
      <ul className="message-cards">
        {messages.map((message) => (
          <li key={message.attempt?.step}>
            <dl>
              {columns.map(({ key, title, render }) => {
                const content = render(message);
                return (
                  content && (
                    <div key={key}>
                      <dt>{title}</dt>
                      <dd>{content}</dd>
                    </div>
                  )
                );
              })}
            </dl>
          </li>
        ))}
      </ul>
    );
  }
  return (
    <ScrollTable<Message>
      label={t("attempts.title")}
      rowKey={({ attempt }) => attempt?.step ?? 0}
      columns={columns.map(({ key, title, render }) => ({
        key,
        title,
        render: (_, message) => render(message),
        ...(key === "message" ? { rowScope: "row" } : {}),
      }))}
      dataSource={messages}
    />
  );
}

function useColumns(send: Send): Column[] {
  const { t, i18n } = useTranslation();
  const took = ({ attempt }: Message) =>
    attempt?.ended_at &&
    exact((Date.parse(attempt.ended_at) - Date.parse(attempt.started_at)) / 1000, t, i18n.language);
  return [
    { key: "message", title: t("attempts.message"), render: (message) => <Name message={message} send={send} /> },
    { key: "rule", title: t("sends.firedRule"), render: (message) => <Fired message={message} send={send} /> },
    {
      key: "state",
      title: t("attempts.status"),
      render: ({ state }) => <ToneTag tone={toneOfState(state)}>{t(`attempts.messages.${state}`)}</ToneTag>,
    },
    { key: "error", title: t("attempts.error"), render: (message) => <Failure message={message} /> },
    {
      key: "call",
      title: t("attempts.call"),
      render: ({ attempt }) =>
        attempt && (
          <time dateTime={attempt.started_at} title={zonedTime(attempt.started_at, i18n.language)}>
            {exactClock(attempt.started_at, i18n.language)}
          </time>
        ),
    },
    { key: "took", title: t("attempts.took"), render: took },
    { key: "calls", title: t("attempts.calls"), render: ({ calls }) => calls },
    {
      key: "id",
      title: t("attempts.id"),
      render: ({ attempt }) =>
        attempt?.message_id && (
          <Typography.Text className="break" code copyable={{ tooltips: [t("sends.copy"), t("sends.copied")] }}>
            {attempt.message_id}
          </Typography.Text>
        ),
    },
  ];
}

interface OfSend {
  message: Message;
  send: Send;
}

/** Name names a message by its channel and sender, with its account and segments. */
function Name({ message: { channel, provider, attempt }, send }: OfSend) {
  const { t } = useTranslation();
  const reader = useReader();
  const sender = attempt?.send_id;
  const about = [
    t("sends.by", { provider: providerName(provider, reader.providers) }),
    accountText(attempt, send, reader),
    attempt?.segments && t("sends.segments", { count: attempt.segments }),
  ];
  return (
    <>
      <strong>
        {t(`channel.${channel}`)} {sender && t("sends.from", { sender })}
      </strong>
      <div className="hint">{about.filter(Boolean).join(" · ")}</div>
    </>
  );
}

function Fired({ message: { rule, fired, routed, attempt }, send }: OfSend) {
  const { t } = useTranslation();
  const reader = useReader();
  return (
    rule &&
    fired && (
      <>
        {rule.name}
        <div className="hint">{t(`event.causes.${fired.cause}`, firedWords(rule, fired, send, reader))}</div>
        {routed && (
          <div className="hint">
            {t(`event.routedBecause.${routed.reason}`, routedWords(routed, attempt?.account ?? ""))}
          </div>
        )}
      </>
    )
  );
}

/** Failure shows the error code of a message, and on demand what it means and what to do. */
function Failure({ message: { failure, provider } }: { message: Message }) {
  const { t } = useTranslation();
  const reader = useReader();
  if (!failure) {
    return null;
  }
  const explanation = explain(failure, provider, reader);
  return (
    <details className="failure">
      <summary>
        {failure.code ? (
          <code>{failure.code}</code>
        ) : (
          t(`attempts.states.${failure.not_called ? "uncalled" : failure.kind}`)
        )}
      </summary>
      <Cause explanation={explanation} />
      <Advice explanation={explanation} />
      {explanation.log && <Log text={explanation.log} />}
      {failure.retry_after_seconds && (
        <div className="hint">{t("attempts.retryAfter", { count: failure.retry_after_seconds })}</div>
      )}
    </details>
  );
}
