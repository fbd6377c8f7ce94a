import dayjs from "dayjs";
import { expect, test } from "vitest";
import { fieldOf, inputOf, previewInput } from "./draft";

const draft = { to: "+44 7400 123-456", kind: "text", text: "Hello", policy: "1", sms: "Hi" } as const;

test("inputOf leaves out what the form leaves empty", () => {
  expect(inputOf(draft)).toEqual({
    to: "+447400123456",
    whatsapp: { text: "Hello" },
    fallback: { policy_id: "1", text: "Hi" },
  });
});

test("the account belongs to the WhatsApp message, of a preview too", () => {
  const input = inputOf({ ...draft, account: "meta-uk" });
  expect(input.whatsapp).toEqual({ text: "Hello", account: "meta-uk" });
  expect(previewInput(inputOf({ ...draft, text: "", account: "meta-uk" }))?.whatsapp.account).toBe("meta-uk");
  expect(fieldOf("whatsapp.account")).toBe("account");
});

test("inputOf sends overrides, and a wait of 0 as well", () => {
  const expires_at = dayjs("2031-05-04T12:00:00Z");
  const input = inputOf({ ...draft, type: "unread", wait: 0, send_id: "ACME", category: "utility", expires_at });
  expect(input.fallback).toEqual({ policy_id: "1", text: "Hi", type: "unread", wait_seconds: 0, send_id: "ACME" });
  expect(input).toMatchObject({ category: "utility", expires_at: "2031-05-04T12:00:00.000Z" });
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
