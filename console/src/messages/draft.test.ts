import { expect, test } from "vitest";
import type { Template } from "../templates/parameters";
import { bodyOf, draftOf, fieldOf, type MessageInput, parseParameters, skeletonOf, textsOf } from "./draft";

const written: MessageInput[] = [
  { name: "A", whatsapp: { text: "hello {{a}}" }, sms: { text: "hi" } },
  {
    name: "B",
    category: "utility",
    whatsapp: { template: { name: "order", language: "en", header: { text: "x" }, body: ["{{a}}"] } },
    sms: { text: "hi", transliterate: true, max_segments: 2 },
  },
  { name: "C", whatsapp: { template: { name: "order", language: "en", components: [] } }, sms: { text: "hi" } },
  { name: "D", whatsapp: { template: { name: "order", language: "en" } }, sms: { text: "hi" } },
];

test("a message that is read is written as it was", () => {
  for (const message of written) {
    expect(bodyOf(draftOf(message))).toEqual(message);
  }
});

test("parameters that are no object and no array are left out", () => {
  for (const text of ["{", "1", "null", '"a"']) {
    expect(parseParameters(text)).toBeUndefined();
  }
  expect(parseParameters(" ")).toEqual({});
  expect(bodyOf({ name: "A", kind: "template", template: "t", language: "en", parameters: "{", sms: "x" })).toEqual({
    name: "A",
    whatsapp: { template: { name: "t", language: "en" } },
    sms: { text: "x" },
  });
});

const templateOf = (format: string, parameters: object) =>
  ({ format, parameters: { header: [], body: [], buttons: [], ...parameters } }) as unknown as Template;

test("a template that is known has a variable for each parameter", () => {
  expect(skeletonOf(templateOf("positional", { header: ["1"], body: ["1", "2"] }))).toEqual({
    header: { text: "{{title_1}}" },
    body: ["{{parameter_1}}", "{{parameter_2}}"],
  });
  expect(skeletonOf(templateOf("named", { header: ["who"], body: ["who", "when"] }))).toEqual({
    header: { text: { who: "{{who}}" } },
    body: { who: "{{who}}", when: "{{when}}" },
  });
  expect(
    skeletonOf(templateOf("positional", { header_media: "image", buttons: [{ index: 1, url: "https://a/{{1}}" }] })),
  ).toEqual({ header: { image: { link: "{{link}}" } }, buttons: [{ index: 1, url_suffix: "{{button_1}}" }] });
  expect(skeletonOf(templateOf("positional", {}))).toEqual({});
});

test("fieldOf finds the field of the form", () => {
  expect(fieldOf("sms.text")).toBe("sms");
  expect(fieldOf("whatsapp.template.body.0")).toBe("parameters");
  expect(fieldOf("whatsapp.template.name")).toBe("template");
  expect(fieldOf("other")).toBeUndefined();
});

test("textsOf lists what the components say", () => {
  expect(
    textsOf([
      { type: "header", parameters: [{ type: "document", document: { link: "https://a", filename: "b.pdf" } }] },
      { type: "body", parameters: [{ type: "text", text: "Ada" }] },
      { type: "button", sub_type: "quick_reply", index: "0", parameters: [{ type: "payload", payload: "x" }] },
      { type: "button", sub_type: "copy_code", index: "1", parameters: [{ type: "coupon_code", coupon_code: "y" }] },
      { type: "footer" },
    ]),
  ).toEqual([
    { part: "header", text: "b.pdf · https://a" },
    { part: "body", text: "Ada" },
    { part: "button 0", text: "x" },
    { part: "button 1", text: "y" },
  ]);
  expect(textsOf(undefined)).toEqual([]);
});
