// The verdict as plain text, to be pasted into an answer to a customer or into a ticket.
import type { Send } from "../api/client";
import { policyName } from "../policies/policyName";
import { countryName } from "../rules/countries";
import { zonedTime } from "../ui/time";
import type { Reader } from "./explanation";
import type { Verdict } from "./verdict";
import { join, type Line, slot } from "./verdictLine";

/** summaryOf returns the verdict with the number, the id and the address of the send. Its times have their dates and zone. */
export function summaryOf(send: Send, verdict: Verdict, address: string, { t, language }: Reader): string {
  const labelled = (label: string, value: string) => t("verdict.labelled", { label, value });
  const country = send.country ? ` (${countryName(send.country, language)})` : "";
  return [
    verdict.headline,
    labelled(t("sends.to"), send.to + country),
    labelled(t("sends.policy"), policyName(send.plan, t)),
    ...(send.template ? [labelled(t("sends.template"), `${send.template.name} (${send.template.language})`)] : []),
    "",
    ...verdict.lines.map((line) => `- ${lineText(line, t, language)}`),
    "",
    labelled(t("sends.id"), send.id),
    address,
  ].join("\n");
}

/** beforeHan is a time before a Chinese word: a space belongs between them. On the page, the time ends with a bracket. */
const beforeHan = new RegExp(`${slot}(?=\\p{Script=Han})`, "u");

function lineText({ text, at, explanation }: Line, t: Reader["t"], language: string): string {
  let whole = text.replace(beforeHan, `${slot} `).replace(slot, at ? zonedTime(at, language) : "");
  if (explanation) {
    const { label, cause, quote, action } = explanation;
    const said = quote && `${t("verdict.quoted", { provider: label })} “${quote}”`;
    const because = cause ? t("verdict.explained", { label, cause }) : said;
    whole = [because, action].filter(Boolean).reduce((a, b) => join(t, a, b), whole);
  }
  return whole;
}
