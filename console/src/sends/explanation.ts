// What an error of a provider means, in the words of the console. Only the quote is the provider's own text.
import type { TFunction } from "i18next";
import type { Schemas } from "../api/client";

/** Reported is a failure of an attempt or of an event. */
export interface Reported {
  kind: Schemas["FailureKind"];
  class?: Schemas["FailureClass"] | undefined;
  code?: string | undefined;
  reason?: string | undefined;
  not_called?: Schemas["NotCalled"] | undefined;
}

export interface Explanation {
  label: string; // the provider, with its code if there is one
  cause: string; // empty if neither the code nor the class is in a table
  action: string; // the same
  quote: string; // the provider's own text; empty if there is none
  log: string; // what Backstop noted, in English, if the provider gave no error
}

/** Reader has the language of the reader, the table of error codes, and what is known of providers and accounts. */
export interface Reader {
  t: TFunction;
  language: string;
  codes: Schemas["ErrorCode"][];
  providers: Schemas["Provider"][];
  hasSeveralAccounts: boolean; // for SMS
}

/** explain returns the cause of a failure and what to do, by the table of codes, or else by the class of the failure. */
export function explain(failure: Reported, provider: string, { t, language, codes, providers }: Reader): Explanation {
  const { code, reason = "", not_called } = failure;
  if (not_called) {
    const log = not_called === "faulty" ? reason : "";
    const cause = t(`verdict.notCalled.causes.${not_called}`);
    return {
      label: t("verdict.notCalled.label"),
      cause,
      action: t(`verdict.notCalled.actions.${not_called}`),
      quote: "",
      log,
    };
  }
  const entry = codes.find((one) => one.provider === provider && one.code === code);
  const explained = entry?.explained[language] ?? entry?.explained.en;
  const known = failure.class ?? entry?.class;
  const name = providerName(provider, providers);
  return {
    label: code ? t("verdict.label", { provider: name, code }) : name,
    cause: explained?.cause ?? (known ? t(`verdict.causes.${known}`) : ""),
    action: explained?.action ?? (known ? t(`verdict.actions.${known}`) : ""),
    quote: code ? reason : "",
    log: code ? "" : reason,
  };
}

/** providerName is the short name of a provider as people write it: as in its title, which may have more words. */
export function providerName(provider: string, providers: Schemas["Provider"][]): string {
  const title = providers.find(({ name }) => name === provider)?.title ?? "";
  const at = title.toLowerCase().indexOf(provider.toLowerCase());
  return at >= 0 && provider
    ? title.slice(at, at + provider.length)
    : title || provider.charAt(0).toUpperCase() + provider.slice(1);
}
