import { expect, test } from "vitest";
import { addressOf, contentOf, type Piece, piecesOf } from "./content";

/** shown writes pieces as a text: styles as <bold>, values in [], missing ones in (). */
function shown(pieces: Piece[]): string {
  return pieces
    .map((piece) => {
      if (piece.kind === "text") {
        return piece.text;
      }
      if (piece.kind === "value") {
        return piece.isMissing ? `(${piece.text})` : `[${piece.text}]`;
      }
      return `<${piece.kind}>${shown(piece.pieces)}</${piece.kind}>`;
    })
    .join("");
}

const show = (text: string, values: Record<string, string> = {}) => shown(piecesOf(text, (name) => values[name]));

test("values fill their places, and a missing one shows its place", () => {
  expect(show("Hello {{1}}, {{ 2 }}.", { 1: "Ada" })).toBe("Hello [Ada], ({{ 2 }}).");
  expect(show("{{first_name}} and {{last_name}}")).toBe("({{first_name}}) and ({{last_name}})");
});

test("a value stays what it is: no place, no style, no HTML", () => {
  for (const value of ["{{2}}", "*bold*", "<b>x</b>", "$&", "\uE0000\uE001"]) {
    expect(piecesOf("Hi {{1}}", () => value)[1]).toEqual({ kind: "value", text: value, isMissing: false });
  }
});

test("the styles of WhatsApp", () => {
  expect(show("*bold* _italic_ ~gone~ ```mono *x*```")).toBe(
    "<bold>bold</bold> <italic>italic</italic> <strike>gone</strike> <mono>mono *x*</mono>",
  );
  expect(show("*{{1}}* is _your *code*_.", { 1: "42" })).toBe(
    "<bold>[42]</bold> is <italic>your <bold>code</bold></italic>.",
  );
  for (const text of ["2 * 3 * 4", "snake_case_name", "*not\nclosed*", "* x*", "a*b*c", "**", "\uE0009\uE001"]) {
    expect(show(text)).toBe(text.replaceAll(/[\uE000\uE001]/g, ""));
  }
});

test("the parts of a template, whatever they are", () => {
  expect(
    contentOf({
      components: [
        { type: "HEADER", format: "IMAGE" },
        { type: "BODY", text: "Hello" },
        { type: "FOOTER", text: "Bye" },
        { type: "BUTTONS", buttons: [{ type: "URL", text: "Track", url: "https://example.com/{{1}}" }, null, "x"] },
      ],
    }),
  ).toEqual({
    header: { format: "image", text: "" },
    body: "Hello",
    footer: "Bye",
    buttons: [{ type: "url", text: "Track", url: "https://example.com/{{1}}" }],
  });
  const odd = [
    { type: "CAROUSEL", cards: [] },
    { type: 7 },
    { type: "BODY", text: { html: "<b>" } },
    { type: "BUTTONS" },
  ];
  expect(contentOf({ components: odd })).toEqual({ body: "", footer: "", buttons: [] });
});

test("the address of a button ends with its value", () => {
  expect(addressOf("https://example.com/{{1}}", "a$&b")).toBe("https://example.com/a$&b");
  expect(addressOf("https://example.com/{{1}}", undefined)).toBe("https://example.com/{{1}}");
});
