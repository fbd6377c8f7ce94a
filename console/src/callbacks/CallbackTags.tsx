import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import type { Tone } from "../theme";
import { none } from "../ui/listColumns";
import { ToneTag } from "../ui/ToneTag";

const tones: Record<Schemas["CallbackState"], Tone> = {
  pending: "wait",
  delivered: "good",
  failed: "bad",
  gone: "plain",
};

export function CallbackStateTag({ state }: { state: Schemas["CallbackState"] }) {
  const { t } = useTranslation();
  return (
    <span title={t(`callbacks.statesMean.${state}`)}>
      <ToneTag tone={tones[state]}>{t(`callbacks.states.${state}`)}</ToneTag>
    </span>
  );
}

/** Answer shows the status of a try, or why there was no answer. */
export function Answer({ of: tried }: { of: Schemas["CallbackTry"] | undefined }) {
  const { t } = useTranslation();
  if (!tried) {
    return none;
  }
  const isGood = tried.status !== undefined && tried.status >= 200 && tried.status < 300;
  return (
    <span>
      <ToneTag tone={isGood ? "good" : "bad"}>{tried.status ?? t("callbacks.noAnswer")}</ToneTag>{" "}
      <span className="hint nowrap">{t("callbacks.latencyMs", { ms: Math.round(tried.latency_ms) })}</span>
      {tried.error && (
        <div className="hint break" lang="en">
          {tried.error}
        </div>
      )}
    </span>
  );
}
