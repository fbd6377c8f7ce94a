import type { ComponentType } from "react";
import { useTranslation } from "react-i18next";
import type { Send } from "../api/client";
import { usePreferences } from "../preferences";
import { type Tone, toneOf } from "../theme";
import {
  CheckCircleOutlined,
  ClockCircleOutlined,
  CloseCircleOutlined,
  InfoCircleOutlined,
  MessageOutlined,
  RightCircleOutlined,
  SendOutlined,
  WarningOutlined,
  WhatsAppOutlined,
} from "../ui/icons";
import { TimeText } from "../ui/TimeText";
import { Countdown } from "./Countdown";
import type { Verdict as Content } from "./verdict";
import { type Line, slot } from "./verdictLine";

const icons: Record<Tone, ComponentType> = {
  good: CheckCircleOutlined,
  plain: CheckCircleOutlined, // delivered, by SMS
  wait: ClockCircleOutlined,
  warn: WarningOutlined,
  bad: CloseCircleOutlined,
  quiet: InfoCircleOutlined,
};

const lineIcons: Record<Line["about"], ComponentType> = {
  send: SendOutlined,
  whatsapp: WhatsAppOutlined,
  sms: MessageOutlined,
  note: InfoCircleOutlined,
  next: RightCircleOutlined,
};

/** Verdict shows what happened to a send, in words for a customer. Screen readers announce a new headline. */
export function Verdict({ send, verdict }: { send: Send; verdict: Content }) {
  const { dark } = usePreferences();
  const { ground, text } = toneOf(dark, verdict.tone);
  const Icon = icons[verdict.tone];
  return (
    <section className="verdict" style={{ borderColor: text }}>
      <div role="status" style={{ backgroundColor: ground, color: text }}>
        <h2>
          <Icon /> {verdict.headline}
        </h2>
      </div>
      <ul>
        {verdict.lines.map((line) => (
          <VerdictLine key={line.text} line={line} />
        ))}
      </ul>
      <Countdown send={send} />
    </section>
  );
}

function VerdictLine({ line: { about, tone, text, at, explanation } }: { line: Line }) {
  const { t } = useTranslation();
  const { dark } = usePreferences();
  const Icon = lineIcons[about];
  const [before = "", after = ""] = text.split(slot);
  return (
    <li>
      <span style={{ color: toneOf(dark, tone).text }}>
        <Icon />
      </span>
      <div>
        {before}
        {at && <TimeText at={at} withZone />}
        {after}
        {explanation?.cause && (
          <div>{t("verdict.explained", { label: explanation.label, cause: explanation.cause })}</div>
        )}
        {explanation && !explanation.cause && explanation.quote && (
          <div>
            {t("verdict.quoted", { provider: explanation.label })} <q lang="en">{explanation.quote}</q>
          </div>
        )}
        {explanation?.action && <div className="hint">{explanation.action}</div>}
      </div>
    </li>
  );
}
