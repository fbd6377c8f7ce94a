import dayjs from "dayjs";
import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import type { Template } from "../templates/parameters";
import { fieldOf, fieldOfTemplate, inputOf, previewInput } from "./draft";

const draft = { to: "+44 7400 123-456", kind: "text", text: "Hello", policy: "1", sms: "Hi" } as const;

test("inputOf leaves out what the form leaves empty", () => {
  expect(inputOf(draft)).toEqual({
    to: "+447400123456",
    whatsapp: { text: "Hello" },
    fallback: { policy_id: "1", text: "Hi" },
  });
});

test("a stored message takes the place of the texts, with a value for each variable", () => {
  const stored = { ...draft, kind: "message", message: "2", variables: { a: "Ada", old: "x" }, account: "uk" } as const;
  expect(inputOf(stored, undefined, "…", ["a", "b"])).toEqual({
    to: "+447400123456",
    message: { id: "2" },
    variables: { a: "Ada", b: "…" },
    whatsapp: { account: "uk" },
    fallback: { policy_id: "1" },
  });
  expect(previewInput(inputOf({ ...stored, message: undefined }))).toBeUndefined();
  expect(previewInput(inputOf(stored, undefined, "", ["a"]))).toEqual(inputOf(stored, undefined, "", ["a"]));
  const wrong = { field: "variables.a", reason: "", code: "variable_missing" } as const;
  expect(fieldOfTemplate(wrong, { isPicked: true, template: undefined, own: false })).toEqual(["variables", "a"]);
  expect(fieldOf("message.id")).toBe("message");
});

test("transliteration and the limit of segments belong to the SMS", () => {
  const { fallback } = inputOf({ ...draft, transliterate: true, max_segments: 2 });
  expect(fallback).toEqual({ policy_id: "1", text: "Hi", transliterate: true, max_segments: 2 });
  expect(inputOf({ ...draft, transliterate: false, max_segments: null }).fallback).toEqual({
    policy_id: "1",
    text: "Hi",
  });
});

test("the account belongs to the WhatsApp message, of a preview too", () => {
  const input = inputOf({ ...draft, account: "meta-uk" });
  expect(input.whatsapp).toEqual({ text: "Hello", account: "meta-uk" });
  expect(previewInput(inputOf({ ...draft, text: "", account: "meta-uk" }))?.whatsapp?.account).toBe("meta-uk");
  expect(fieldOf("whatsapp.account")).toBe("account");
});

test("inputOf sends overrides, and a wait of 0 as well", () => {
  const expires_at = dayjs("2031-05-04T12:00:00Z");
  const input = inputOf({ ...draft, type: "unread", wait: 0, send_id: "ACME", category: "utility", expires_at });
  expect(input.fallback).toEqual({ policy_id: "1", text: "Hi", type: "unread", wait_seconds: 0, send_id: "ACME" });
  expect(input).toMatchObject({ category: "utility", expires_at: "2031-05-04T12:00:00.000Z" });
});

test("inputOf sends what is for the caller's own systems", () => {
  const own = {
    correlation_id: " order-7 ",
    correlation_unique: true,
    metadata: [{ key: "shop", text: "Berlin" }, {}],
  };
  expect(inputOf({ ...draft, ...own })).toMatchObject({
    correlation_id: "order-7",
    correlation_unique: true,
    metadata: { shop: "Berlin" },
  });
  expect(inputOf({ ...draft, correlation_id: " ", correlation_unique: true, metadata: [{}] })).toEqual(inputOf(draft));
});

test("inputOf sends the accounts in their order", () => {
  expect(inputOf({ ...draft, routes: ["second", "first"] }).fallback.routes).toEqual([
    { account: "second" },
    { account: "first" },
  ]);
  expect(inputOf({ ...draft, routes: [] }).fallback.routes).toBeUndefined();
  expect(fieldOf("fallback.routes.0.account")).toBe("routes");
});

test("inputOf sends the time of a scheduled send with its offset from UTC", () => {
  const send_at = dayjs("2031-05-04T09:00:00+02:00");
  expect(inputOf({ ...draft, send_at }).send_at).toBe("2031-05-04T07:00:00.000Z");
  expect(fieldOf("send_at")).toBe("send_at");
});

test("inputOf sends the template instead of the text, with components that are a JSON array", () => {
  const components = (text: string) =>
    inputOf({ ...draft, kind: "template", template: "parcel", language: "en", components: text }).whatsapp;
  expect(components('[{"type":"body"}]')).toEqual({
    template: { name: "parcel", language: "en", components: [{ type: "body" }] },
  });
  for (const text of ["", "{}", "[", "null"]) {
    expect(components(text)).toEqual({ template: { name: "parcel", language: "en" } });
  }
});

const known = {
  name: "parcel",
  format: "positional",
  parameters: { header: [], body: ["1"], buttons: [] },
} as unknown as Template;

test("inputOf makes the components of a template that is known, unless the user writes them", () => {
  const written = '[{"type":"header"}]';
  const template = { ...draft, kind: "template", template: "parcel", language: "en", components: written } as const;
  const sent = (change: object, standIn?: string) =>
    inputOf({ ...template, ...change }, known, standIn).whatsapp?.template?.components;
  const body = (text: string) => [{ type: "body", parameters: [{ type: "text", text }] }];
  expect(sent({ values: { "body.1": "Ada" } })).toEqual(body("Ada"));
  expect(sent({}, "…")).toEqual(body("…"));
  expect(sent({ own: true, values: { "body.1": "Ada" } })).toEqual([{ type: "header" }]);
});

test("what follows if the template cannot be sent belongs to a template alone", () => {
  const wish = { ...draft, template: "parcel", language: "en", if_unsendable: "fall_back" } as const;
  expect(inputOf({ ...wish, kind: "template" }).whatsapp?.if_unsendable).toBe("fall_back");
  expect(inputOf(wish).whatsapp?.if_unsendable).toBeUndefined();
});

test("an error of the API about the template is at the field that the form has", () => {
  const wrong = (field: string, component = ""): Schemas["FieldError"] => ({
    field: `whatsapp.template.${field}`,
    code: "template_parameters",
    reason: "",
    ...(component && { params: { component } }),
  });
  const picked = { isPicked: true, template: known, own: false };
  expect(fieldOfTemplate(wrong("components.0.parameters.0.text"), picked)).toEqual(["values", "body.1"]);
  expect(fieldOfTemplate(wrong("components", "body"), picked)).toEqual(["values", "body.1"]);
  expect(fieldOfTemplate(wrong("components", "header"), picked)).toBe("template");
  expect(fieldOfTemplate(wrong("language"), picked)).toBe("template");
  expect(fieldOfTemplate(wrong("components", "body"), { ...picked, own: true })).toBe("components");
  const free = { isPicked: false, template: undefined, own: false };
  expect(fieldOfTemplate(wrong("components.0.parameters.0.text"), free)).toBe("components");
  expect(fieldOfTemplate(wrong("language"), free)).toBe("language");
});

test("fieldOf finds the field of a path", () => {
  expect(["to", "fallback.wait_seconds", "whatsapp.template.components", "whatsapp", "toString"].map(fieldOf)).toEqual([
    "to",
    "wait",
    "components",
    undefined,
    undefined,
  ]);
});

test("a preview needs a policy and a recipient", () => {
  expect(previewInput(inputOf({ ...draft, policy: undefined }))).toBeUndefined();
  expect(previewInput(inputOf({ ...draft, to: "+44" }))).toBeUndefined();
  expect(previewInput(inputOf(draft))).toEqual(inputOf(draft));
});

test("a preview has stand-ins for texts that are missing", () => {
  const { to, policy } = draft;
  const standIns = { whatsapp: { text: "…" }, fallback: { policy_id: "1", text: "…" } };
  expect(previewInput(inputOf({ to, policy }))).toMatchObject(standIns);
  expect(previewInput(inputOf({ to, policy, kind: "template", template: "parcel", language: "e" }))).toMatchObject(
    standIns,
  );
});
