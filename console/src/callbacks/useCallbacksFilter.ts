// The filters of the list of callbacks, in the address of the page.
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import type { FilterChip } from "../ui/FilterChips";
import { useFilters } from "../ui/useFilters";

export const states = ["pending", "delivered", "failed", "gone"] as const satisfies Schemas["CallbackState"][];

/** statuses are the answers that the filter offers. 0 means none. */
export const statuses = ["0", "200", "204", "400", "401", "403", "404", "410", "429", "500", "502", "503", "504"];

const names = ["send", "url", "state", "status"] as const;
type Name = (typeof names)[number];

export type CallbacksFilter = ReturnType<typeof useCallbacksFilter>;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** searched returns the filters of a text: the id of a send, or a URL. */
export function searched(text: string): Record<"send" | "url", string> {
  const trimmed = text.trim();
  return uuid.test(trimmed) ? { send: trimmed.toLowerCase(), url: "" } : { send: "", url: trimmed };
}

export function useCallbacksFilter() {
  const { t } = useTranslation();
  const { values, set } = useFilters(...names);
  const state = states.find((one) => one === values.state);
  const status = /^[0-9]{1,3}$/.test(values.status) ? Number(values.status) : undefined;
  const words: Record<Name, () => string> = {
    send: () => t("callbacks.filter.send", { send: values.send }),
    url: () => t("callbacks.filter.url", { url: values.url }),
    state: () => t("callbacks.filter.state", { state: state ? t(`callbacks.states.${state}`) : values.state }),
    status: () => t("callbacks.filter.status", { status: status === 0 ? t("callbacks.statuses.none") : values.status }),
  };
  const chips: FilterChip[] = names
    .filter((name) => values[name] !== "")
    .map((name) => ({
      key: name,
      label: words[name](),
      onRemove: () => set({ [name]: "" } as Record<Name, string>),
    }));
  const where = { ...(values.send && { send: values.send }), ...(values.url && { url: values.url }) };
  return {
    values,
    set: (change: Partial<Record<Name, string>>) => set(change),
    chips,
    clear: () => set(Object.fromEntries(names.map((name) => [name, ""]))),
    where, // what a replay of the failed ones is limited to
    query: { ...where, ...(state && { state }), ...(status !== undefined && { status }) },
  };
}
