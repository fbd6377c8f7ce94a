import i18n from "i18next";
import { initReactI18next } from "react-i18next";
import { constraints } from "../api/constraints.gen";
import { en } from "./en";
import { zhCN } from "./zh-CN";

// The types name all texts, so a missing text does not compile.
declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
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
  resources: { en: { translation: en }, "zh-CN": { translation: zhCN } },
  lng: "en",
  fallbackLng: "en",
  interpolation: { escapeValue: false, defaultVariables: limits }, // React escapes
});

export const t = i18n.t;
