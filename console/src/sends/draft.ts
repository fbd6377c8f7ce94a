// The form of a new send as data: its values, and the body that they make for the API.
import type { Dayjs } from "dayjs";
import type { TFunction } from "i18next";
import type { RuleInput, RuleType, Schemas, SendInput } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { bareNumber, fits, isWait } from "../rules/checks";
import { fieldOfRule, withoutEmpty } from "../rules/ruleInput";
import { componentsOf, fieldOfError, type Template, type Values } from "../templates/parameters";
import { metadataOf, type Pair } from "./metadata";

/** Draft has the values of the form. The value of a field that was never visible is absent. */
export interface Draft {
  to: string;
  account?: string; // for WhatsApp
  kind: "text" | "template" | "message";
  message?: string | undefined; // the id of a stored message
  variables?: Values; // of the message, by their names
  text: string;
  template: string;
  language: string;
  values?: Values; // of the parameters of a template that is known
  own?: boolean; // whether the components are written as JSON, although the template is known
  components: string;
  if_unsendable?: NonNullable<NonNullable<SendInput["whatsapp"]>["if_unsendable"]>;
  rules_of?: "policy" | "send"; // whose rules apply
  policy?: string;
  rules?: OwnRule[]; // of the send
  sms: string;
  transliterate?: boolean;
  max_segments?: number | null;
  exclusive?: boolean;
  category?: Schemas["Category"];
  if_opted_out?: NonNullable<SendInput["if_opted_out"]>;
  type?: RuleType;
  wait?: number;
  send_id?: string;
  routes?: string[]; // the SMS accounts, in order
  send_at?: Dayjs;
  expires_at?: Dayjs;
  correlation_id?: string;
  correlation_unique?: boolean;
  metadata?: Pair[];
}

/** OwnRule has the values of a rule of the send. */
export type OwnRule = Partial<RuleInput>;

/** ownRule returns a rule to begin with. No other rule of the send has its name. */
export function ownRule(others: OwnRule[], t: TFunction): OwnRule {
  const names = new Set(others.map(({ name = "" }) => name.toLowerCase()));
  let number = 1;
  while (names.has(t("newSend.ruleNumber", { number }).toLowerCase())) {
    number += 1;
  }
  return { name: t("newSend.ruleNumber", { number }), type: "undelivered", wait_seconds: 600, send_id: "" };
}

/**
 * inputOf returns the body for the API. The values of the parameters make the components of a template that is known; the stand-in
 * replaces those that are missing, and missing values of the named variables of a stored message. Components that are not valid are
 * left out: the form reports them.
 */
export function inputOf(draft: Partial<Draft>, known?: Template, standIn = "", names: string[] = []): SendInput {
  const isMessage = draft.kind === "message";
  const correlation = draft.correlation_id?.trim();
  const metadata = metadataOf(draft.metadata);
  return {
    to: bareNumber(draft.to),
    ...(isMessage && {
      message: { id: draft.message ?? "" },
      variables: variablesOf(names, draft.variables, standIn),
    }),
    whatsapp: {
      ...(isMessage ? {} : draft.kind === "template" ? templateOf(draft, known, standIn) : { text: draft.text ?? "" }),
      ...(draft.account ? { account: draft.account } : {}),
    },
    fallback: {
      ...(draft.rules_of === "send" ? { rules: rulesOf(draft.rules) } : byPolicy(draft)),
      ...(isMessage ? {} : { text: draft.sms ?? "" }),
      ...(draft.transliterate && !isMessage ? { transliterate: true } : {}),
      ...(draft.max_segments ? { max_segments: draft.max_segments } : {}),
      ...(draft.exclusive ? { exclusive: true } : {}),
    },
    ...(draft.category ? { category: draft.category } : {}),
    ...(draft.if_opted_out === "skip" ? { if_opted_out: draft.if_opted_out } : {}),
    ...(draft.send_at ? { send_at: draft.send_at.toISOString() } : {}),
    ...(draft.expires_at ? { expires_at: draft.expires_at.toISOString() } : {}),
    ...(correlation ? { correlation_id: correlation } : {}),
    ...(correlation && draft.correlation_unique ? { correlation_unique: true } : {}),
    ...(metadata ? { metadata } : {}),
  };
}

function rulesOf(rules: OwnRule[] = []): RuleInput[] {
  return rules.map((rule) => withoutEmpty({ name: "", type: "undelivered", send_id: "", ...rule }));
}

/** byPolicy returns the policy, and what the send changes in its rules. */
function byPolicy(draft: Partial<Draft>): Omit<SendInput["fallback"], "text"> {
  return {
    policy_id: draft.policy ?? "",
    ...(draft.type ? { type: draft.type } : {}),
    ...(draft.wait === undefined || draft.wait === null ? {} : { wait_seconds: draft.wait }),
    ...(draft.send_id ? { send_id: draft.send_id } : {}),
    ...(draft.routes?.length ? { routes: draft.routes.map((account) => ({ account })) } : {}),
  };
}

function templateOf(draft: Partial<Draft>, known: Template | undefined, standIn: string): SendInput["whatsapp"] {
  const components =
    known && !draft.own ? componentsOf(known, draft.values, standIn) : parseComponents(draft.components);
  return {
    template: {
      name: draft.template ?? "",
      language: draft.language ?? "",
      ...(components ? { components } : {}),
    },
    ...(draft.if_unsendable ? { if_unsendable: draft.if_unsendable } : {}),
  };
}

/** variablesOf returns the values of the variables of a message; the stand-in replaces those that are missing. */
function variablesOf(names: string[], values: Values = {}, standIn = ""): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, values[name] || standIn]));
}

/**
 * previewInput returns the body of a preview; undefined without a policy or valid rules, or without a whole recipient. A stand-in
 * replaces each text that is still missing, so that the plan shows before the texts are written.
 */
export function previewInput(input: SendInput): SendInput | undefined {
  if (!hasRules(input.fallback) || !fits(input.to, constraints.SendInput.to)) {
    return undefined;
  }
  if (input.message) {
    return input.message.id ? input : undefined;
  }
  const { exclusive, ...fallback } = { ...input.fallback, text: input.fallback.text || "…" };
  if (!isComplete(input.whatsapp)) {
    return { ...input, whatsapp: { text: "…", ...accountOf(input) }, fallback }; // the stand-in could not be exclusive
  }
  return { ...input, fallback: exclusive ? { ...fallback, exclusive } : fallback };
}

function hasRules({ policy_id, rules = [] }: SendInput["fallback"]): boolean {
  const { name, send_id } = constraints.RuleInput;
  return (
    Boolean(policy_id) ||
    (rules.length > 0 &&
      rules.every(
        (rule) => fits(rule.name, name) && fits(rule.send_id, send_id) && isWait(rule.wait_seconds, rule.type),
      ))
  );
}

function accountOf({ whatsapp }: SendInput): { account?: string } {
  return whatsapp?.account ? { account: whatsapp.account } : {};
}

function isComplete({ text, template }: NonNullable<SendInput["whatsapp"]> = {}): boolean {
  if (!template) {
    return Boolean(text);
  }
  const { name, language } = constraints.SendInput.whatsapp.template;
  return template.name.length >= name.minLength && template.language.length >= language.minLength;
}

/** parseComponents reads the components of a template; undefined if the text is no JSON array. */
export function parseComponents(text = ""): Record<string, never>[] | undefined {
  try {
    const value = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Field is a field of the form, or the path to one. */
export type Field = keyof Draft | (string | number)[];

/** fieldOf returns the field of the form for a path of the API; undefined if the form has none. */
export function fieldOf(path: string): Field | undefined {
  const [, index, part] = /^fallback\.rules\.(\d+)(?:\.(.*))?$/.exec(path) ?? [];
  if (index !== undefined) {
    return ["rules", Number(index), fieldOfRule(part ?? "name")].flat();
  }
  return path.startsWith("fallback.routes") ? "routes" : fields.get(path);
}

/** Chosen is how the template of the form is chosen. */
export interface Chosen {
  isPicked: boolean; // from the list of the account's templates, so that the language has no field
  template: Template | undefined; // as the list has it
  own: boolean; // whether the components are written as JSON
}

/** fieldOfTemplate returns the field for an error of the API, if it is about the template; else what fieldOf returns. */
export function fieldOfTemplate(wrong: Schemas["FieldError"], { isPicked, template, own }: Chosen): Field | undefined {
  const { field } = wrong;
  if (field.startsWith("variables.")) {
    return ["variables", field.slice("variables.".length)];
  }
  if (field.startsWith("whatsapp.template.components")) {
    const key = template && !own ? fieldOfError(template, wrong) : undefined;
    return key ? ["values", key] : isPicked && !own ? "template" : "components";
  }
  return isPicked && field === "whatsapp.template.language" ? "template" : fieldOf(field);
}

const fields = new Map<string, keyof Draft>([
  ["to", "to"],
  ["category", "category"],
  ["if_opted_out", "if_opted_out"],
  ["whatsapp.account", "account"],
  ["send_at", "send_at"],
  ["expires_at", "expires_at"],
  ["whatsapp.text", "text"],
  ["whatsapp.template.name", "template"],
  ["whatsapp.template.language", "language"],
  ["whatsapp.template.components", "components"],
  ["whatsapp.if_unsendable", "if_unsendable"],
  ["message", "message"],
  ["message.id", "message"],
  ["fallback.policy_id", "policy"],
  ["fallback.rules", "rules"],
  ["fallback.text", "sms"],
  ["fallback.max_segments", "max_segments"],
  ["fallback.exclusive", "exclusive"],
  ["fallback.type", "type"],
  ["fallback.wait_seconds", "wait"],
  ["fallback.send_id", "send_id"],
  ["correlation_id", "correlation_id"],
]);
