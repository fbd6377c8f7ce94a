// The fields of a new send by a stored message: which one, and the values of its variables.
import { Form, Input } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { SendPreview } from "../api/client";
import { type Message, textsOf } from "../messages/draft";
import { MessageSelect } from "../messages/MessageSelect";
import { componentText } from "../templates/template";

interface Props {
  message: Message | undefined; // if it is loaded
  preview: SendPreview | undefined;
}

/** StoredMessageFields are the message of a send and a field for each of its variables. */
export function StoredMessageFields({ message, preview }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <Form.Item
        name="message"
        label={t("messages.one")}
        rules={[{ required: true, message: t("messages.wanted") }]}
        extra={
          message && (
            <Link to={`/messages/${message.id}`}>
              {t("messages.usedVersion", { name: message.name, number: message.version })}
            </Link>
          )
        }
      >
        <MessageSelect />
      </Form.Item>
      {message && message.variables.length > 0 && (
        <fieldset className="parameters">
          <legend>{t("messages.variables")}</legend>
          {message.variables.map((name) => (
            <Form.Item
              key={name}
              name={["variables", name]}
              label={name}
              rules={[{ required: true, message: t("messages.valueWanted") }]}
            >
              <Input autoComplete="off" maxLength={4096} />
            </Form.Item>
          ))}
        </fieldset>
      )}
      {message && preview && <GoesOut message={message} preview={preview} />}
    </>
  );
}

/** GoesOut shows the final texts of both channels. */
function GoesOut({ message: { whatsapp }, preview: { content } }: { message: Message; preview: SendPreview }) {
  const { t } = useTranslation();
  const { template } = whatsapp;
  return (
    <dl className="version" aria-live="polite">
      <dt>{t("channel.whatsapp")}</dt>
      <dd className="pre">
        {template
          ? [
              `${template.name} · ${template.language}`,
              ...textsOf(content.components).map(({ part, text }) => `${componentText(part, t)}: ${text}`),
            ].join("\n")
          : content.whatsapp_text}
      </dd>
      <dt>{t("channel.sms")}</dt>
      <dd className="pre">{content.sms_text}</dd>
    </dl>
  );
}
