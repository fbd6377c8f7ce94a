// What an error of a provider means, in the words of the console. Only the quote is the provider's own text.
import type { TFunction } from "i18next";
import type { Schemas } from "../api/client";

/** Reported is a failure of an attempt or of an event. */
export interface Reported {
  kind: Schemas["FailureKind"];
  class?: Schemas["FailureClass"] | undefined;
  code?: string | undefined;
  reason?: string | undefined;
}

export interface Explanation {
  label: string; // the provider, with its code if there is one
  cause: string; // empty if neither the code nor the class is in a table
  action: string; // the same
  quote: string; // the provider's own text; empty if there is none
  log: string; // what Backstop noted, in English, if the provider gave no error
}

/** Reader has the language of the reader and the table of error codes. */
export interface Reader {
  t: TFunction;
  language: string;
  codes: Schemas["ErrorCode"][];
}

/** explain returns the cause of a failure and what to do, by the table of codes, or else by the class of the failure. */
export function explain(failure: Reported, provider: string, { t, language, codes }: Reader): Explanation {
  const { code, reason = "" } = failure;
  const entry = codes.find((one) => one.provider === provider && one.code === code);
  const explained = entry?.explained[language] ?? entry?.explained.en;
  const known = failure.class ?? entry?.class;
  const name = providerName(provider);
  return {
    label: code ? t("verdict.label", { provider: name, code }) : name,
    cause: explained?.cause ?? (known ? t(`verdict.causes.${known}`) : ""),
    action: explained?.action ?? (known ? t(`verdict.actions.${known}`) : ""),
    quote: code ? reason : "",
    log: code ? "" : reason,
  };
}

const names = new Map([
  ["meta", "Meta"],
  ["twilio", "Twilio"],
]);

/** providerName is the name of a provider as people write it. */
export function providerName(provider: string): string {
  return names.get(provider) ?? provider;
}
