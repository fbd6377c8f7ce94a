import { Tag } from "antd";
import { useTranslation } from "react-i18next";
import type { Outcome, Status } from "../api/client";
import { usePreferences } from "../preferences";
import { outcomeTone, type Tone, toneOf } from "../theme";

export function ToneTag({ tone, children }: { tone: Tone; children: React.ReactNode }) {
  const { dark } = usePreferences();
  const { ground, text } = toneOf(dark, tone);
  return (
    <Tag variant="filled" style={{ backgroundColor: ground, color: text, marginInlineEnd: 0 }}>
      {children}
    </Tag>
  );
}

export function OutcomeTag({ outcome }: { outcome: Outcome }) {
  const { t } = useTranslation();
  return <ToneTag tone={outcomeTone(outcome)}>{t(`outcome.${outcome}`)}</ToneTag>;
}

const statusTones: Record<Status, Tone> = {
  queued: "wait",
  submitted: "wait",
  sent: "plain",
  failed: "bad",
  delivered: "good",
  read: "good",
};

export function StatusTag({ status }: { status: Status }) {
  const { t } = useTranslation();
  return <ToneTag tone={statusTones[status]}>{t(`status.${status}`)}</ToneTag>;
}
