// What goes out by a message: the texts of both channels, with values for the variables.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Input } from "antd";
import { useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { answered, api, ProblemError, type Schemas } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { fits } from "../rules/checks";
import { componentText } from "../templates/template";
import { ProblemAlert } from "../ui/ProblemView";
import { type Content, textsOf } from "./draft";

const pause = 350; // ms without a change, before the message is sent to the API

type Body = Schemas["MessagePreviewInput"];

/** useMessagePreview asks the API what goes out, once both texts are there. */
function useMessagePreview(body: Body | undefined) {
  const text = body ? JSON.stringify(body) : "";
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), pause);
    return () => clearTimeout(timer);
  }, [text]);
  return useQuery({
    queryKey: ["message-preview", settled],
    queryFn: ({ signal }) => answered(api.POST("/v1/messages/preview", { body: JSON.parse(settled) as Body, signal })),
    enabled: settled !== "",
    placeholderData: keepPreviousData,
  });
}

/** isNamed reports whether the contract takes the name and the language of a template. */
function isNamed(template: Schemas["TemplateInput"] | undefined): boolean {
  const { name, language } = constraints.MessageInput.whatsapp.template;
  return template !== undefined && fits(template.name, name) && fits(template.language, language);
}

interface Props {
  content: Content; // of a message, or of the form of one
}

/** MessagePreview shows a message with values that the reader enters. */
export function MessagePreview({ content: { whatsapp, sms } }: Props) {
  const { t } = useTranslation();
  const [values, setValues] = useState<Record<string, string>>({});
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
  const isReady = sms.text !== "" && Boolean(whatsapp.text || isNamed(whatsapp.template));
  const preview = useMessagePreview(isReady ? { whatsapp, sms, variables: given } : undefined);
  if (!isReady) {
    return <p className="hint">{t("messages.previewLater")}</p>;
  }
  if (preview.failureReason instanceof ProblemError) {
    return <ProblemAlert error={preview.failureReason} />;
  }
  if (!preview.data) {
    return null;
  }
  const { content, sms: length, variables } = preview.data;
  return (
    <>
      <VariableValues names={variables} values={values} onChange={setValues} />
      <div className="message-preview" aria-live="polite">
        <figure className="phone">
          <figcaption>{t("channel.whatsapp")}</figcaption>
          <div className="phone-message" dir="auto">
            {whatsapp.template ? (
              <TemplateTexts template={whatsapp.template} components={content.components} />
            ) : (
              <div className="phone-text">{content.whatsapp_text}</div>
            )}
          </div>
        </figure>
        <figure className="phone">
          <figcaption>{t("channel.sms")}</figcaption>
          <div className="phone-message" dir="auto">
            <div className="phone-text">{content.sms_text}</div>
          </div>
          <small className="hint">
            {t("newSend.smsLength", {
              encoding: length.encoding === "gsm7" ? "GSM-7" : "UCS-2",
              length: length.length,
              count: length.segments,
            })}
          </small>
        </figure>
      </div>
    </>
  );
}

function TemplateTexts({ template, components }: { template: Schemas["TemplateInput"]; components: unknown }) {
  const { t } = useTranslation();
  return (
    <>
      <div className="phone-header">
        {template.name} · {template.language}
      </div>
      <ul className="inline-list">
        {textsOf(components).map(({ part, text }, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a parameter is its place
          <li key={i}>
            <small className="hint">{componentText(part, t)}</small> <span className="phone-value">{text}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

interface ValuesProps {
  names: string[];
  values: Record<string, string>;
  onChange: (values: Record<string, string>) => void;
}

/** VariableValues has a field for each variable. */
function VariableValues({ names, values, onChange }: ValuesProps) {
  const { t } = useTranslation();
  const id = useId();
  if (names.length === 0) {
    return <p className="hint">{t("messages.noVariables")}</p>;
  }
  return (
    <fieldset className="parameters">
      <legend>{t("messages.values")}</legend>
      {names.map((name) => (
        <div className="variable" key={name}>
          <label htmlFor={`${id}-${name}`}>{name}</label>
          <Input
            id={`${id}-${name}`}
            autoComplete="off"
            value={values[name] ?? ""}
            onChange={({ target }) => onChange({ ...values, [name]: target.value })}
          />
        </div>
      ))}
    </fieldset>
  );
}
