import { useTranslation } from "react-i18next";
import type { AuditEntry } from "../api/queries";

/** useEntryText returns the words of an entry: who acted, and on what. */
export function useEntryText() {
  const { t } = useTranslation();
  return {
    actor: ({ actor }: AuditEntry) =>
      actor.kind === "system" ? t("audit.system", { name: actor.name }) : actor.name || actor.id,
    thing: ({ kind, name, to }: AuditEntry) => [t(`audit.kinds.${kind}`), to, name].filter(Boolean).join(" "),
  };
}
