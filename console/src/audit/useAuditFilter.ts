// The filters of the audit log, in the address of the page.
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import type { FilterChip } from "../ui/FilterChips";
import { useFilters } from "../ui/useFilters";

export const actions = [
  "create",
  "update",
  "delete",
  "reseal",
  "test",
  "cancel",
  "confirm",
  "replay",
  "sign_in",
  "refuse",
  "end",
] as const satisfies Schemas["AuditAction"][];

export const kinds = [
  "rule",
  "policy",
  "message",
  "account",
  "guards",
  "key",
  "opt_out",
  "send",
  "callback",
  "erasure",
  "export",
  "session",
] as const satisfies Schemas["AuditKind"][];

export const actorKinds = ["key", "person", "system"] as const satisfies Schemas["ActorKind"][];

const names = ["search", "kind", "action", "actor_kind", "actor", "target", "to", "from", "until"] as const;
type Name = (typeof names)[number];

export type AuditFilter = ReturnType<typeof useAuditFilter>;

export function useAuditFilter() {
  const { t } = useTranslation();
  const { values, set } = useFilters(...names);
  const kind = kinds.find((one) => one === values.kind);
  const action = actions.find((one) => one === values.action);
  const actorKind = actorKinds.find((one) => one === values.actor_kind);
  const words: Record<Name, () => string> = {
    search: () => t("audit.filter.search", { text: values.search }),
    kind: () => t("audit.filter.kind", { kind: kind ? t(`audit.kinds.${kind}`) : values.kind }),
    action: () => t("audit.filter.action", { action: action ? t(`audit.actions.${action}`) : values.action }),
    actor_kind: () => (actorKind ? t(`audit.actorKinds.${actorKind}`) : values.actor_kind),
    actor: () => t("audit.filter.actor", { actor: values.actor }),
    target: () => t("audit.filter.target", { target: values.target }),
    to: () => values.to,
    from: () => t("audit.filter.from", { at: values.from }),
    until: () => t("audit.filter.until", { at: values.until }),
  };
  const chips: FilterChip[] = names
    .filter((name) => values[name] !== "")
    .map((name) => ({ key: name, label: words[name](), onRemove: () => set({ [name]: "" } as Record<Name, string>) }));
  const text = (name: Name) => (values[name] ? { [name]: values[name] } : {});
  return {
    values: { ...values, kind, action, actor_kind: actorKind },
    set: (change: Partial<Record<Name, string>>) => set(change),
    chips,
    clear: () => set(Object.fromEntries(names.map((name) => [name, ""]))),
    query: {
      ...(kind && { kind }),
      ...(action && { action }),
      ...(actorKind && { actor_kind: actorKind }),
      ...text("search"),
      ...text("actor"),
      ...text("target"),
      ...text("to"),
      ...text("from"),
      ...text("until"),
    },
  };
}
