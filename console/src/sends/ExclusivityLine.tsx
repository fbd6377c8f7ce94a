// Whether the WhatsApp message of a plan may arrive after its SMS, and why.
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import type { Tone } from "../theme";
import { ToneTag } from "../ui/ToneTag";
import { duration } from "../ui/time";

type Exclusivity = Schemas["Exclusivity"];

const tones: Record<Exclusivity["level"], Tone> = { guaranteed: "good", likely: "plain", no: "quiet" };

export function ExclusivityLine({ exclusivity }: { exclusivity: Exclusivity }) {
  const { t } = useTranslation();
  return (
    <div className="exclusivity">
      <ToneTag tone={tones[exclusivity.level]}>{t(`exclusive.levels.${exclusivity.level}`)}</ToneTag>
      <p className="hint">{exclusivityText(exclusivity, t)}</p>
    </div>
  );
}

/** exclusivityText says why. A reason that the console does not know has the API's text. */
export function exclusivityText(e: Exclusivity, t: TFunction): string {
  return t(`exclusive.reasons.${e.reason}`, {
    rule: e.rule,
    wait: duration(e.wait_seconds ?? 0, t),
    whatsapp: duration(e.whatsapp_seconds ?? 0, t),
    grace: duration(e.grace_seconds ?? 0, t),
    defaultValue: e.detail,
  });
}
