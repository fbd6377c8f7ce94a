// What is said of a template: whether it can be sent, its words and its tones.
import type { TFunction } from "i18next";
import { first } from "../i18n/first";
import type { Tone } from "../theme";
import type { Template } from "./parameters";

export const statuses = Object.keys(first.templates.statuses) as (keyof typeof first.templates.statuses)[];

function isWord<Words extends object>(words: Words, word: string): word is keyof Words & string {
  return Object.hasOwn(words, word);
}

/** readable returns a provider's word for which the console has none. */
function readable(word: string): string {
  return word.replaceAll("_", " ");
}

export function statusText(status: string, t: TFunction): string {
  return isWord(first.templates.statuses, status) ? t(`templates.statuses.${status}`) : readable(status);
}

export function qualityText(quality: string, t: TFunction): string {
  return isWord(first.templates.qualities, quality) ? t(`templates.qualities.${quality}`) : readable(quality);
}

export function categoryText(category: string, t: TFunction): string {
  return isWord(first.category, category) ? t(`category.${category}`) : readable(category);
}

export function isCategory(category: string): category is keyof typeof first.category {
  return isWord(first.category, category);
}

/** componentText names a component as the API does in errors: header, body, or button 0 by its index. */
export function componentText(component: string, t: TFunction): string {
  const [name = "", index] = component.split(" ");
  return isWord(first.templates.components, name)
    ? t(`templates.components.${name}`, { number: Number(index ?? 0) + 1 })
    : component;
}

/** languageText names the language of a code: "German (de)". */
export function languageText(code: string, language: string): string {
  try {
    const name = new Intl.DisplayNames(language, { type: "language", fallback: "none" }).of(code.replace("_", "-"));
    return name ? `${name} (${code})` : code;
  } catch {
    return code; // it is no code of a language
  }
}

export function isSendable({ status }: Pick<Template, "status">): boolean {
  return status === "approved";
}

/** whyNot says why a template cannot be sent: its status, with the provider's reason. It is undefined if it can be sent. */
export function whyNot(template: Pick<Template, "status" | "reason">, t: TFunction): string | undefined {
  if (isSendable(template)) {
    return undefined;
  }
  const status = statusText(template.status, t);
  return template.reason ? t("templates.because", { status, reason: readable(template.reason) }) : status;
}

const waiting = new Set(["pending", "in_appeal"]);
const stopped = new Set(["rejected", "disabled", "deleted"]);

export function statusTone(status: string): Tone {
  return isSendable({ status }) ? "good" : waiting.has(status) ? "wait" : stopped.has(status) ? "bad" : "warn";
}

export function qualityTone(quality: string): Tone {
  const tones: Record<string, Tone> = { green: "good", yellow: "warn", red: "bad" };
  return tones[quality] ?? "quiet";
}

/** hasNewCategory reports whether the provider has changed the category, which decides the price. */
export function hasNewCategory({ category, previous_category: previous }: Template): boolean {
  return previous !== undefined && previous !== category;
}
