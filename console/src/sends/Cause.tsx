import { useTranslation } from "react-i18next";
import type { Explanation } from "./explanation";

/** Cause shows what a provider's error means, and what the provider itself says of it, as a quote. */
export function Cause({ explanation: { label, cause, quote } }: { explanation: Explanation }) {
  const { t } = useTranslation();
  if (!cause && !quote) {
    return null;
  }
  return (
    <div className="hint">
      {cause && <div>{t("verdict.explained", { label, cause })}</div>}
      {quote && <Quote by={t("verdict.quoted", { provider: label })} text={quote} />}
    </div>
  );
}

/** Log shows what Backstop noted in its log, which is in English. */
export function Log({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <div className="hint">
      <Quote by={t("verdict.logged")} text={text} />
    </div>
  );
}

function Quote({ by, text }: { by: string; text: string }) {
  return (
    <small>
      {by} <q lang="en">{text}</q>
    </small>
  );
}

/** Advice shows what to do about a failure. */
export function Advice({ explanation: { action } }: { explanation: Explanation }) {
  return action ? <div>{action}</div> : null;
}
