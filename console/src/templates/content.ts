// What a phone shows of a template: its parts with the values filled in, and the styles of WhatsApp. The result is data, so that
// nothing of it can become HTML.
import type { Template, Values } from "./parameters";

export interface Content {
  header?: { format: string; text: string }; // the format is text, or a type of media
  body: string;
  footer: string;
  buttons: { type: string; text: string; url: string }[];
}

/** contentOf reads the components of a template. It leaves out what has another form than Meta documents. */
export function contentOf({ components }: Pick<Template, "components">): Content {
  const content: Content = { body: "", footer: "", buttons: [] };
  for (const component of components) {
    const text = textOf(component.text);
    switch (textOf(component.type).toLowerCase()) {
      case "header":
        content.header = { format: textOf(component.format).toLowerCase() || "text", text };
        break;
      case "body":
        content.body = text;
        break;
      case "footer":
        content.footer = text;
        break;
      case "buttons":
        content.buttons = listOf(component.buttons).map((button) => ({
          type: textOf(button.type).toLowerCase(),
          text: textOf(button.text),
          url: textOf(button.url),
        }));
    }
  }
  return content;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "object" && item !== null) : [];
}

export type Style = "bold" | "italic" | "strike" | "mono";

/** A Piece is a part of a text. The text of a value that is missing is its place, as {{1}}. */
export type Piece =
  | { kind: "text"; text: string }
  | { kind: "value"; text: string; isMissing: boolean }
  | { kind: Style; pieces: Piece[] };

const places = /\{\{\s*([A-Za-z0-9_]+)\s*\}\}/g;

/** addressOf returns the address of a button with its value. */
export function addressOf(url: string, value: string | undefined): string {
  return value ? url.replace(places, () => value) : url;
}

/** piecesOf splits a text into styled pieces. The styles come from the template alone: a value is shown as it is. */
export function piecesOf(text: string, valueFor: (name: string) => string | undefined): Piece[] {
  const values: Piece[] = [];
  const marked = text.replaceAll(/[\uE000\uE001]/g, "").replace(places, (place, name: string) => {
    const value = valueFor(name);
    values.push({ kind: "value", text: value || place, isMissing: !value });
    return `\uE000${values.length - 1}\uE001`; // a private character hides the name, which may have underscores
  });
  return styled(marked, values);
}

const styles = { "*": "bold", _: "italic", "~": "strike" } as const;
const mono = /```([\s\S]+?)```/u;
const simple = /(?<=^|[\s\p{P}\p{S}])([*_~])(?=\S)([^\n]+?)(?<=\S)\1(?=$|[\s\p{P}\p{S}])/u;

function styled(text: string, values: Piece[]): Piece[] {
  const found = [mono.exec(text), simple.exec(text)].filter((match) => match !== null);
  const [match] = found.sort((a, b) => a.index - b.index);
  if (!match) {
    return plain(text, values);
  }
  const inner = match[2] ?? match[1] ?? "";
  const style = styles[match[1] as keyof typeof styles];
  return [
    ...plain(text.slice(0, match.index), values),
    style && match[2] !== undefined
      ? { kind: style, pieces: styled(inner, values) }
      : { kind: "mono", pieces: plain(inner, values) },
    ...styled(text.slice(match.index + match[0].length), values),
  ];
}

function plain(text: string, values: Piece[]): Piece[] {
  return text.split(/\uE000(\d+)\uE001/).flatMap((part, i): Piece[] => {
    const value = i % 2 === 1 ? values[Number(part)] : undefined;
    return value ? [value] : part ? [{ kind: "text", text: part }] : [];
  });
}

/** valuesOf returns a function for the values of one part of the template. */
export function valuesOf(part: "header" | "body", values: Values): (name: string) => string | undefined {
  return (name) => values[`${part}.${name}`];
}
