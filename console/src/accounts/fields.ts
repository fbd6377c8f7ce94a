// The settings of an account, as its provider describes them.
import type { TFunction } from "i18next";
import type { Account, Channel, Provider, Schemas } from "../api/client";

export type AccountField = Schemas["AccountField"];

/** fieldsOf returns the settings that an account of a channel has, in the order of the form. */
export function fieldsOf(provider: Provider, channel: Channel): AccountField[] {
  return provider.fields.filter(({ channels }) => !channels?.length || channels.includes(channel));
}

/** textIn returns the text of a language; else the English one; else the stand-in. */
export function textIn(texts: Record<string, string>, language: string, standIn = ""): string {
  return texts[language] ?? texts.en ?? standIn;
}

export function labelOf(field: AccountField, language: string): string {
  return textIn(field.label, language, field.name);
}

/** settingLabel names a setting by the name that the API uses for it, which may also be that of the webhook's key. */
export function settingLabel(provider: Provider | undefined, name: string, t: TFunction, language: string): string {
  const field = provider?.fields.find((one) => one.name === name);
  return field ? labelOf(field, language) : name === "webhook_key" ? t("accounts.webhookKey") : name;
}

/** checkSetting returns what is wrong with the value of a setting. A stored secret may be left empty: it is kept. */
export function checkSetting(field: AccountField, value: string, isKept: boolean, t: TFunction): string | undefined {
  if (value === "") {
    return field.required && !field.default && !isKept ? t("accounts.settingWanted") : undefined;
  }
  const isLong = field.kind === "long" || field.kind === "secret";
  if (!isLong && (value !== value.trim() || /\p{Cc}/u.test(value))) {
    return t("accounts.settingForm");
  }
  if (field.kind === "url" && !isAddress(value)) {
    return t("accounts.addressWanted");
  }
  return field.pattern && !new RegExp(`^(?:${field.pattern})$`, "u").test(value)
    ? t("problem.fields.pattern", { pattern: field.pattern })
    : undefined;
}

function isAddress(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
}

/** isStored reports whether an account has a secret. Its value never leaves the server. */
export function isStored(account: Account | undefined, field: AccountField): boolean {
  return field.kind === "secret" && Boolean(account?.secrets_set.includes(field.name));
}
