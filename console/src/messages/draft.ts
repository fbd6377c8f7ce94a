// The form of a stored message as data: its values, and the body that they make for the API.
import type { Schemas } from "../api/client";
import type { Template } from "../templates/parameters";

export type Message = Schemas["Message"];
export type MessageInput = Schemas["MessageInput"];
type TemplateInput = Schemas["TemplateInput"];

/** Draft has the values of the form. */
export interface Draft {
  name: string;
  kind: "text" | "template";
  text?: string | undefined;
  template?: string | undefined; // its name
  language?: string | undefined;
  parameters?: string | undefined; // JSON: the simple form, or components in Meta's form
  sms: string;
  transliterate?: boolean | undefined;
  max_segments?: number | null | undefined;
  category?: Schemas["Category"] | null | undefined;
}

export type Content = Pick<Message, "whatsapp" | "sms" | "category">;

/** draftOf returns the values of the form for a message; those of an empty form without one. */
export function draftOf(message: (Content & { name: string }) | undefined): Draft {
  if (!message) {
    return { name: "", kind: "text", sms: "" };
  }
  const { name, whatsapp, sms, category } = message;
  const { template } = whatsapp;
  return {
    name,
    kind: template ? "template" : "text",
    text: whatsapp.text,
    template: template?.name,
    language: template?.language,
    parameters: template && parametersText(template),
    sms: sms.text,
    transliterate: sms.transliterate,
    max_segments: sms.max_segments,
    category,
  };
}

/** bodyOf returns the body for the API. Parameters that are not valid are left out: the form reports them. */
export function bodyOf(draft: Draft): MessageInput {
  return {
    name: draft.name ?? "",
    whatsapp:
      draft.kind === "template"
        ? {
            template: {
              name: draft.template ?? "",
              language: draft.language ?? "",
              ...parseParameters(draft.parameters),
            },
          }
        : { ...(draft.text ? { text: draft.text } : {}) },
    sms: {
      text: draft.sms ?? "",
      ...(draft.transliterate ? { transliterate: true } : {}),
      ...(draft.max_segments ? { max_segments: draft.max_segments } : {}),
    },
    ...(draft.category ? { category: draft.category } : {}),
  };
}

type Parameters = Pick<TemplateInput, "body" | "header" | "buttons" | "components">;

/** parametersText returns the parameters of a template as JSON: an array in Meta's form, an object in the simple form. */
export function parametersText({ components, body, header, buttons }: Parameters): string {
  const simple = { ...(header && { header }), ...(body && { body }), ...(buttons && { buttons }) };
  if (components) {
    return JSON.stringify(components, null, 2);
  }
  return Object.keys(simple).length > 0 ? JSON.stringify(simple, null, 2) : "";
}

/** parseParameters reads what parametersText writes; undefined if the text is something else. */
export function parseParameters(text = ""): Parameters | undefined {
  if (text.trim() === "") {
    return {};
  }
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) {
      return { components: value };
    }
    return typeof value === "object" && value !== null ? (value as Parameters) : undefined;
  } catch {
    return undefined;
  }
}

/** skeletonOf returns parameters for a template that is known, with a variable for each. */
export function skeletonOf({ format, parameters }: Template): Parameters {
  const { header, header_media: media, body, buttons } = parameters;
  const variable = (name: string) => `{{${/^\d/.test(name) ? `parameter_${name}` : name}}}`;
  const textsOf = (names: string[]) =>
    format === "named" ? Object.fromEntries(names.map((name) => [name, variable(name)])) : names.map(variable);
  const [title = ""] = header;
  return {
    ...(media && ["image", "video", "document"].includes(media) && { header: { [media]: { link: "{{link}}" } } }),
    ...(!media &&
      title && { header: { text: format === "named" ? { [title]: variable(title) } : variable(`title_${title}`) } }),
    ...(body.length > 0 && { body: textsOf(body) }),
    ...(buttons.length > 0 && { buttons: buttons.map(({ index }) => ({ index, url_suffix: `{{button_${index}}}` })) }),
  };
}

const fields = new Map<string, keyof Draft>([
  ["whatsapp.text", "text"],
  ["whatsapp.template.name", "template"],
  ["whatsapp.template.language", "language"],
  ["sms.text", "sms"],
  ["sms.max_segments", "max_segments"],
  ["category", "category"],
  ["name", "name"],
]);

/** fieldOf returns the field of the form for a path of the API; undefined if the form has none. */
export function fieldOf(path: string): keyof Draft | undefined {
  return fields.get(path) ?? (path.startsWith("whatsapp.template") ? "parameters" : undefined);
}

/** textsOf returns the texts in the final components of a template, each with its part: header, body, or button 0. */
export function textsOf(components: unknown): { part: string; text: string }[] {
  return (Array.isArray(components) ? components : []).flatMap((component: Record<string, unknown>) => {
    const { type, index, parameters } = component;
    const part = type === "button" ? `button ${index}` : String(type);
    return (Array.isArray(parameters) ? parameters : []).map((parameter: Record<string, unknown>) => ({
      part,
      text: textOf(parameter),
    }));
  });
}

function textOf(parameter: Record<string, unknown>): string {
  const value = parameter[String(parameter.type)];
  if (typeof value === "string") {
    return value;
  }
  const { link, filename } = (value ?? {}) as { link?: unknown; filename?: unknown };
  const named = [filename, link].filter((text) => typeof text === "string");
  return named.length > 0 ? named.join(" · ") : JSON.stringify(value ?? parameter);
}
