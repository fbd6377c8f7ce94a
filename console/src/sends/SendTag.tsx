import { useTranslation } from "react-i18next";
import type { SendSummary } from "../api/client";
import { OutcomeTag, ToneTag } from "../ui/ToneTag";
import { isScheduled } from "./schedule";

type Props = Pick<SendSummary, "accepted_at" | "send_at" | "started_at" | "finished_at" | "outcome">;

/** SendTag shows the outcome of a send, or that it has not started. */
export function SendTag({ send }: { send: Props }) {
  const { t } = useTranslation();
  return isScheduled(send) ? (
    <ToneTag tone="wait">{t("sends.scheduled")}</ToneTag>
  ) : (
    <OutcomeTag outcome={send.outcome} />
  );
}
