import dayjs from "dayjs";
import type { TFunction } from "i18next";
import { expect, test } from "vitest";
import type { Schemas } from "../api/client";
import type { Template } from "../templates/parameters";
import { type Draft, fieldOf, fieldOfTemplate, inputOf, ownRule, previewInput } from "./draft";

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

const rule = { name: "Soon", type: "unread", wait_seconds: 60, send_id: "ACME" } as const;

test("inputOf sends rules of the send in the place of a policy and its overrides", () => {
  const routes = [{ account: "second", send_id: "60777" }, { account: "first" }];
  const rules = [
    { ...rule, routes, countries: ["FR"] },
    { ...rule, wait_seconds: 0, routes: [], countries: [] },
  ];
  const overrides = { type: "undelivered", wait: 5, routes: ["first"] } satisfies Partial<Draft>;
  const own = { ...draft, ...overrides, rules_of: "send" as const, rules };
  const { name, type, send_id } = rule;
  expect(inputOf(own).fallback).toEqual({ text: "Hi", rules: [rules[0], { name, type, send_id }] });
  expect(inputOf({ ...own, rules_of: "policy" }).fallback).not.toHaveProperty("rules");
});

test("the preview waits for whole rules", () => {
  const previewOf = (...rules: object[]) => previewInput(inputOf({ ...draft, rules_of: "send", rules }));
  expect(previewOf(rule)?.fallback.rules).toEqual([rule]);
  expect(previewOf()).toBeUndefined();
  for (const half of [{ name: "" }, { send_id: "12" }, { wait_seconds: 0 }, { wait_seconds: 2_592_001 }]) {
    expect(previewOf(rule, { ...rule, ...half })).toBeUndefined();
  }
});

test("fieldOf returns the field of a rule of the send", () => {
  expect(fieldOf("fallback.rules")).toBe("rules");
  expect(fieldOf("fallback.rules.1.wait_seconds")).toEqual(["rules", 1, "wait_seconds"]);
  expect(fieldOf("fallback.rules.1.routes.0.account")).toEqual(["rules", 1, "routes", 0, "account"]);
  expect(fieldOf("fallback.rules.1.countries.2")).toEqual(["rules", 1, "countries"]);
});

test("ownRule gives a name that is free", () => {
  const t = ((_: string, { number }: { number: number }) => `Rule ${number}`) as unknown as TFunction;
  expect(ownRule([], t).name).toBe("Rule 1");
  expect(ownRule([{ name: "rule 1" }, {}, { name: "Rule 3" }], t).name).toBe("Rule 2");
});

test("inputOf says only that an opted-out recipient is skipped", () => {
  expect(inputOf({ ...draft, if_opted_out: "skip" }).if_opted_out).toBe("skip");
  expect(inputOf({ ...draft, if_opted_out: "refuse" })).toEqual(inputOf(draft));
});
