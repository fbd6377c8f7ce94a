// The form of a new send as data: its values, and the body that they make for the API.
import type { Dayjs } from "dayjs";
import type { RuleType, Schemas, SendInput } from "../api/client";
import { constraints } from "../api/constraints.gen";
import { bareNumber, fits } from "../rules/checks";

/** Draft has the values of the form. The value of a field that was never visible is absent. */
export interface Draft {
  to: string;
  account?: string; // for WhatsApp
  kind: "text" | "template";
  text: string;
  template: string;
  language: string;
  components: string;
  policy?: string;
  sms: string;
  category?: Schemas["Category"];
  type?: RuleType;
  wait?: number;
  send_id?: string;
  expires_at?: Dayjs;
}

/** inputOf returns the body for the API. It leaves out components that are not valid: the form reports them. */
export function inputOf(draft: Partial<Draft>): SendInput {
  const components = parseComponents(draft.components);
  return {
    to: bareNumber(draft.to),
    whatsapp: {
      ...(draft.kind === "template"
        ? {
            template: {
              name: draft.template ?? "",
              language: draft.language ?? "",
              ...(components ? { components } : {}),
            },
          }
        : { text: draft.text ?? "" }),
      ...(draft.account ? { account: draft.account } : {}),
    },
    fallback: {
      policy_id: draft.policy ?? "",
      text: draft.sms ?? "",
      ...(draft.type ? { type: draft.type } : {}),
      ...(draft.wait === undefined || draft.wait === null ? {} : { wait_seconds: draft.wait }),
      ...(draft.send_id ? { send_id: draft.send_id } : {}),
    },
    ...(draft.category ? { category: draft.category } : {}),
    ...(draft.expires_at ? { expires_at: draft.expires_at.toISOString() } : {}),
  };
}

/**
 * previewInput returns the body of a preview; undefined without a policy or a whole recipient. A stand-in replaces each text
 * that is still missing, so that the plan shows before the texts are written.
 */
export function previewInput(input: SendInput): SendInput | undefined {
  if (!input.fallback.policy_id || !fits(input.to, constraints.SendInput.to)) {
    return undefined;
  }
  return {
    ...input,
    whatsapp: isComplete(input.whatsapp) ? input.whatsapp : { text: "…", ...accountOf(input) },
    fallback: { ...input.fallback, text: input.fallback.text || "…" },
  };
}

function accountOf({ whatsapp: { account } }: SendInput): { account?: string } {
  return account ? { account } : {};
}

function isComplete({ text, template }: SendInput["whatsapp"]): boolean {
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

/** fieldOf returns the field of the form for a path of the API; undefined if the form has none. */
export function fieldOf(path: string): keyof Draft | undefined {
  return fields.get(path);
}

const fields = new Map<string, keyof Draft>([
  ["to", "to"],
  ["category", "category"],
  ["whatsapp.account", "account"],
  ["expires_at", "expires_at"],
  ["whatsapp.text", "text"],
  ["whatsapp.template.name", "template"],
  ["whatsapp.template.language", "language"],
  ["whatsapp.template.components", "components"],
  ["fallback.policy_id", "policy"],
  ["fallback.text", "sms"],
  ["fallback.type", "type"],
  ["fallback.wait_seconds", "wait"],
  ["fallback.send_id", "send_id"],
]);
