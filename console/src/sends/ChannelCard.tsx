import { Card, Steps } from "antd";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { StatusTag } from "../ui/ToneTag";
import { progressOf } from "./progress";

interface Props {
  channel: Schemas["Channel"];
  state: Schemas["ChannelState"] | undefined;
  idle: string; // the text while the channel is not used
  attempts: Schemas["Attempt"][]; // of this channel
  events: Schemas["Event"][];
}

/** ChannelCard shows how far the message has come on one channel. */
export function ChannelCard({ channel, state, idle, attempts, events }: Props) {
  const { t } = useTranslation();
  const newest = attempts.at(-1);
  const steps = state ? progressOf(channel, state.status, events) : [];
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
            current={steps.findLastIndex((step) => step.state !== "wait")}
            items={steps.map((step) => ({
              title: t(`status.${step.status}`),
              status: step.state,
            }))}
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
