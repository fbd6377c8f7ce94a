import { Card, Steps } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas, Status } from "../api/client";
import { StatusTag } from "../ui/ToneTag";

const steps = ["queued", "submitted", "sent", "delivered", "read"] as const;

interface Props {
  channel: Schemas["Channel"];
  state: Schemas["ChannelState"] | undefined;
  idle: string; // the text while the channel is not used
  attempts: Schemas["Attempt"][]; // of this channel
}

/** ChannelCard shows how far the message has come on one channel. */
export function ChannelCard({ channel, state, idle, attempts }: Props) {
  const { t } = useTranslation();
  const newest = attempts.at(-1);
  return (
    <Card
      size="small"
      className="channel"
      title={<h2>{t(`channel.${channel}`)}</h2>}
      extra={state && <StatusTag status={state.status} />}
    >
      {state ? (
        <>
          <Steps
            size="small"
            titlePlacement="vertical"
            responsive={false}
            current={stepOf(state.status)}
            status={state.status === "failed" ? "error" : "finish"}
            items={(channel === "sms" ? steps.slice(0, 4) : steps).map((step) => ({ title: t(`status.${step}`) }))}
          />
          {newest && (
            <p className="hint">
              {t("sends.by", { provider: newest.provider })}
              {newest.send_id && <> · {t("sends.from", { sender: newest.send_id })}</>}
              {newest.segments && <> · {t("sends.segments", { count: newest.segments })}</>}
            </p>
          )}
        </>
      ) : (
        <p className="hint">{idle}</p>
      )}
    </Card>
  );
}

/** stepOf returns the step of a status. A failed message stays at the step in which the provider had it. */
function stepOf(status: Status): number {
  return status === "failed" ? 1 : steps.indexOf(status);
}
