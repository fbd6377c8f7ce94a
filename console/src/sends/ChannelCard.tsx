import { Card, Steps } from "antd";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import type { Schemas, Send } from "../api/client";
import { StatusTag } from "../ui/ToneTag";
import { providerName } from "./explanation";
import { type Message, messagesOf, newestSMS } from "./messages";
import { progressOf, stepTitle } from "./progress";
import { accountText } from "./sender";
import { useReader } from "./useReader";

interface Props {
  channel: Schemas["Channel"];
  send: Send;
}

/** ChannelCard shows how far the newest message has come on one channel. */
export function ChannelCard({ channel, send }: Props) {
  const { t } = useTranslation();
  const state = channel === "whatsapp" ? send.whatsapp : send.sms;
  const steps = state ? progressOf(channel, state.status, send.events) : [];
  return (
    <Card
      size="small"
      className="channel"
      title={<h2>{t(`channel.${channel}`)}</h2>}
      extra={state && <StatusTag status={state.status} />}
    >
      {state ? (
        <Steps
          size="small"
          titlePlacement="vertical"
          responsive={false}
          current={steps.findLastIndex((step) => step.state !== "wait")}
          items={steps.map((step) => ({
            title: stepTitle(step, t),
            status: step.state,
          }))}
        />
      ) : (
        <p className="hint">{t(send.finished_at ? "sends.smsNotNeeded" : "sends.smsNotYet")}</p>
      )}
      <About channel={channel} send={send} />
    </Card>
  );
}

/** About names the sender, and what the message is made of. */
function About({ channel, send }: Props) {
  const { t } = useTranslation();
  const reader = useReader();
  const messages = messagesOf(send);
  const newest: Message | undefined =
    channel === "sms" ? newestSMS(messages) : messages.findLast((message) => message.channel === channel);
  const sender = newest?.attempt?.send_id;
  const words = [
    newest?.provider && t("sends.by", { provider: providerName(newest.provider, reader.providers) }),
    accountText(newest?.attempt, send, reader),
    sender && t("sends.from", { sender }),
    channel === "whatsapp" && send.template && templateText(send.template, t),
    channel === "sms" && send.sms_length && lengthText(send.sms_length, t),
  ].filter(Boolean);
  return words.length > 0 && <p className="hint">{words.join(" · ")}</p>;
}

function templateText({ name, language }: Schemas["TemplateRef"], t: TFunction): string {
  return t("sends.templateNamed", { name, language });
}

function lengthText({ encoding, length, segments }: Schemas["SMSLength"], t: TFunction): string {
  return t("newSend.smsLength", { encoding: encoding === "gsm7" ? "GSM-7" : "UCS-2", length, count: segments });
}
