// The texts of what the API refuses or warns of, in the language of the reader. The API gives codes and parameters; its own
// texts are English.
import type { TFunction } from "i18next";
import type { Schemas } from "../api/client";
import { countryName } from "../rules/countries";
import { componentText, statusText } from "../templates/template";
import { duration } from "./time";

/** fieldText says what is wrong with a field. A code that the console does not know has the API's text. */
export function fieldText({ code, params, reason }: Schemas["FieldError"], t: TFunction): string {
  const context = params?.meant ? "meant" : params?.policy === "" ? "own" : undefined;
  const words = {
    ...(params?.component && { component: componentText(params.component, t) }),
    ...(code === "variable_syntax" && { braces: "{{" }),
    ...(params?.other === "send_at" && { other: t("sends.sendAt") }),
    ...(params?.guard && {
      guard: t(`guards.names.${params.guard as Schemas["Guard"]}`, { defaultValue: params.guard }),
    }),
    ...(params?.status && { status: statusText(params.status, t) }),
  };
  return t(`problem.fields.${code}`, { ...params, ...words, context, defaultValue: reason });
}

/** warningText says more about a warning than its title. */
export function warningText({ code, params, detail }: Schemas["Warning"], t: TFunction, language: string): string {
  const { wait_seconds: wait, whatsapp_seconds: whatsapp, country } = params ?? {};
  return t(`newSend.warningDetails.${code}`, {
    ...params,
    wait: duration(Number(wait ?? 0), t),
    whatsapp: duration(Number(whatsapp ?? 0), t),
    country: country && countryName(country, language),
    defaultValue: detail,
  });
}
