// The form of an account as data: its values, and the bodies that they make for the API.
import type { Account, Channel, Provider, Schemas } from "../api/client";
import { fieldsOf } from "./fields";

/** SettingKey is the name of a setting's field: the same as its path in the API. */
export type SettingKey = `settings.${string}`;

/**
 * Draft has the values of the form. A secret without a value keeps the stored one, and null removes it. The other fields without a
 * value have the default of the API.
 */
export interface Draft {
  name?: string;
  channel: Channel;
  on_unknown: Schemas["OnUnknown"];
  when_unhealthy: Schemas["WhenUnhealthy"];
  call_timeout_seconds?: number | null;
  calls_per_second?: number | null;
  calls_at_once?: number | null;
  countries?: string[];
  new_webhook_key?: boolean;
  keep_days: number; // how long former secrets stay valid
  check: boolean; // whether the provider is asked first
  [setting: SettingKey]: string | null | undefined;
}

export const keyOf = (name: string): SettingKey => `settings.${name}`;

/** keepChoices are the days for which a former secret may stay valid. 0 ends it at once, with all earlier ones. */
export const keepChoices = [0, 1, 7, 30, 90, 365] as const;
export const defaultKeep = 7;

/** draftOf returns the values of the form for a stored account, or for a new one of a provider. */
export function draftOf(account: Account | undefined, provider: Provider): Draft {
  const channel = account?.channel ?? provider.channels[0] ?? "sms";
  const settings: Record<SettingKey, string | undefined> = {};
  for (const field of provider.fields) {
    settings[keyOf(field.name)] = account ? account.settings[field.name] : field.default;
  }
  return {
    ...settings,
    name: account?.name,
    channel,
    on_unknown: account?.on_unknown ?? provider.on_unknown,
    when_unhealthy: account?.when_unhealthy ?? "fall_back",
    call_timeout_seconds: account?.call_timeout_seconds,
    calls_per_second: account?.calls_per_second,
    calls_at_once: account?.calls_at_once,
    countries: account?.countries ?? [],
    new_webhook_key: false,
    keep_days: defaultKeep,
    check: true,
  };
}

/** A Body is what the form says, without the present time, so that equal drafts have equal bodies. */
export interface Body {
  name: string;
  channel: Channel;
  change: Schemas["AccountChangeInput"];
  keepDays: number | undefined; // undefined: no former secret is concerned
  check: boolean;
}

/** bodyOf returns the body of the values of the form. The form lacks what an account cannot change, and what it does not show. */
export function bodyOf(shown: Partial<Draft>, provider: Provider, account: Account | undefined): Body {
  const draft: Draft = { ...draftOf(account, provider), ...shown };
  const settings: Record<string, string> = {};
  for (const { name, kind } of fieldsOf(provider, draft.channel)) {
    const value = draft[keyOf(name)];
    if (value) {
      settings[name] = value;
    } else if (value === null && kind === "secret") {
      settings[name] = "";
    }
  }
  const { call_timeout_seconds, calls_per_second, calls_at_once, countries } = draft;
  return {
    name: draft.name ?? "",
    channel: draft.channel,
    change: {
      settings,
      on_unknown: draft.on_unknown,
      ...(draft.channel === "whatsapp" ? { when_unhealthy: draft.when_unhealthy } : {}),
      ...(call_timeout_seconds ? { call_timeout_seconds } : {}),
      ...(calls_per_second ? { calls_per_second } : {}),
      ...(calls_at_once ? { calls_at_once } : {}),
      ...(countries?.length ? { countries } : {}),
      ...(draft.new_webhook_key ? { new_webhook_key: true } : {}),
    },
    keepDays: account && replacesSecrets(draft, provider) ? draft.keep_days : undefined,
    check: draft.check,
  };
}

/** replacesSecrets reports whether a draft changes what verifies webhooks: then the former values stay valid for a while. */
export function replacesSecrets(draft: Draft, provider: Provider): boolean {
  return (
    Boolean(draft.new_webhook_key) ||
    fieldsOf(provider, draft.channel).some(({ name, verifies }) => verifies && isNewSecret(draft[keyOf(name)]))
  );
}

/** isNewSecret reports whether a value of the form replaces or removes the stored secret. */
export function isNewSecret(value: string | null | undefined): boolean {
  return value !== undefined && value !== "";
}

/** keptUntil returns when the former secrets end. A time in the past ends them at once. */
export function keptUntil(days: number, now: number): string {
  const day = 86_400_000;
  return new Date(days === 0 ? now - day : now + days * day).toISOString();
}

/** changeOf returns the body that keeps an account as it is. Its secrets are kept, because the body has none. */
export function changeOf(account: Account): Schemas["AccountChangeInput"] {
  const { settings, on_unknown, when_unhealthy, call_timeout_seconds, calls_per_second, calls_at_once } = account;
  return {
    settings,
    on_unknown,
    when_unhealthy,
    call_timeout_seconds,
    ...(calls_per_second ? { calls_per_second } : {}),
    ...(calls_at_once ? { calls_at_once } : {}),
    ...(account.countries?.length ? { countries: account.countries } : {}),
    disabled: account.disabled,
  };
}

const ownFields = new Set([
  "name",
  "on_unknown",
  "when_unhealthy",
  "call_timeout_seconds",
  "calls_per_second",
  "calls_at_once",
]);

/** formFieldOf returns the field of the form for a path of the API; undefined if the form has none. */
export function formFieldOf(path: string, provider: Provider, channel: Channel): string | undefined {
  if (path.startsWith("countries")) {
    return "countries";
  }
  if (path === "keep_former_secrets_until") {
    return "keep_days";
  }
  const isSetting = fieldsOf(provider, channel).some(({ name }) => keyOf(name) === path);
  return isSetting || ownFields.has(path) ? path : undefined;
}
