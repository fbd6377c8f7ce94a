import i18n from "i18next";
import { initReactI18next } from "react-i18next";
import { constraints } from "../api/constraints.gen";
import type { Language } from "../stored";
import type { chinese } from "./chinese";
import type { Words } from "./en";
import { first } from "./first";

// The types name all texts, so a missing text does not compile.
declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: Words };
  }
}

const { RuleInput, PolicyInput, SendInput } = constraints;

/** limits are the numbers in the texts. */
const limits = {
  maxDays: RuleInput.wait_seconds.maximum / 86_400,
  maxRules: PolicyInput.rule_ids.maxItems,
  maxSMS: SendInput.fallback.text.maxLength.toLocaleString("en"),
};

i18n.use(initReactI18next).init({
  resources: { en: { translation: first } },
  lng: "en",
  fallbackLng: "en",
  interpolation: { escapeValue: false, defaultVariables: limits }, // React escapes
});

export const t = i18n.t;

/** loadWords loads the English words that the first page does without. */
export async function loadWords(): Promise<void> {
  const { en } = await import("./en");
  i18n.addResourceBundle("en", "translation", en);
}

let loaded: typeof chinese | undefined; // once somebody has asked for Chinese

/** setLanguage loads and sets a language. It returns the words of antd; undefined for English, which antd has itself. */
export async function setLanguage(language: Language): Promise<typeof chinese.antd | undefined> {
  const isChinese = language === "zh-CN";
  if (isChinese && !loaded) {
    loaded = (await import("./chinese")).chinese;
    i18n.addResourceBundle(language, "translation", loaded.words);
  }
  loaded?.setDates(isChinese);
  await i18n.changeLanguage(language);
  return isChinese ? loaded?.antd : undefined;
}
