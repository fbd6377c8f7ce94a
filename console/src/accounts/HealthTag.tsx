import { useTranslation } from "react-i18next";
import type { Account, Schemas } from "../api/client";
import type { Tone } from "../theme";
import { TimeText } from "../ui/TimeText";
import { ToneTag } from "../ui/ToneTag";

type Health = Schemas["AccountHealth"];

const tones: Record<Health["state"], Tone> = { healthy: "good", unhealthy: "bad", probing: "warn", unknown: "quiet" };

export function HealthTag({ health }: { health: Health }) {
  const { t } = useTranslation();
  return <ToneTag tone={tones[health.state]}>{t(`accounts.health.${health.state}`)}</ToneTag>;
}

/** StateTags say whether messages go out by an account, and where it is configured. */
export function StateTags({ account }: { account: Account }) {
  const { t } = useTranslation();
  return (
    <>
      {account.fault !== undefined && <ToneTag tone="bad">{t("accounts.faulty")}</ToneTag>}
      {account.disabled && <ToneTag tone="warn">{t("accounts.disabled")}</ToneTag>}
      {account.source === "environment" && (
        <span title={t("accounts.environmentMeans")}>
          <ToneTag tone="quiet">{t("accounts.environment")}</ToneTag>
        </span>
      )}
    </>
  );
}

/**
 * HealthWords say why an account has its state, and since when. The reason is Backstop's own, in English. The reason of `unknown` is
 * left out: the page says it in its own words.
 */
export function HealthWords({ health: { state, since, reason } }: { health: Health }) {
  const { t } = useTranslation();
  return (
    <>
      {since && (
        <span className="hint">
          {t("accounts.since")} <TimeText at={since} />
        </span>
      )}
      {reason && state !== "unknown" && (
        <div className="hint break" lang="en">
          {reason}
        </div>
      )}
    </>
  );
}
