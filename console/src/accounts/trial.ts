// A test SMS by one account: what the form sends, and what it offers.
import type { Rule, Scenario, Schemas } from "../api/client";
import { bareNumber } from "../rules/checks";

export interface TestDraft {
  scenario?: string | undefined; // digits
  to?: string | undefined;
  send_id?: string | undefined;
  text?: string | undefined;
}

/** inputOf returns the request of a draft. An empty field is left out: the API refuses an empty text. */
export function inputOf({ to, send_id, text }: TestDraft): Schemas["AccountTestInput"] {
  return { to: bareNumber(to), ...(send_id && { send_id }), ...(text && { text }) };
}

/** fieldOf returns the field of the form for a path of the API, if it has one. */
export function fieldOf(path: string): keyof TestDraft | undefined {
  return path === "to" || path === "send_id" || path === "text" ? path : undefined;
}

/** smsScenarios returns the scenarios whose SMS differ: many differ in WhatsApp alone. */
export function smsScenarios(scenarios: Scenario[]): Scenario[] {
  return scenarios.filter((one, i) => scenarios.findIndex(({ sms }) => sms === one.sms) === i);
}

/** sendersOfAccount returns the sender IDs from which rules send by an account; standard is the account of rules without one. */
export function sendersOfAccount(
  rules: Pick<Rule, "send_id" | "routes">[],
  account: string,
  standard: string | undefined,
): string[] {
  const all = rules.flatMap(({ send_id, routes = [] }) =>
    routes.length === 0
      ? standard === account
        ? [send_id]
        : []
      : routes.filter((route) => route.account === account).map((route) => route.send_id ?? send_id),
  );
  return [...new Set(all)];
}
