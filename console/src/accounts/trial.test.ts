import { expect, test } from "vitest";
import { fieldOf, inputOf, sendersOfAccount, smsScenarios } from "./trial";

test("a test has a bare number, and leaves out what is empty", () => {
  expect(inputOf({ to: "0044 (7400) 123-456", send_id: "", text: "", scenario: "01" })).toEqual({
    to: "+447400123456",
  });
  expect(inputOf({ to: "+447400123456", send_id: "ACME", text: "Hi" })).toEqual({
    to: "+447400123456",
    send_id: "ACME",
    text: "Hi",
  });
});

test("the errors of the API are at their fields", () => {
  expect(["to", "send_id", "text", "name"].map(fieldOf)).toEqual(["to", "send_id", "text", undefined]);
});

test("the scenarios of an SMS are those that differ by SMS", () => {
  const scenario = (digits: string, sms: string) => ({ digits, name: digits, whatsapp: digits, sms });
  const all = [scenario("01", "delivered"), scenario("02", "delivered"), scenario("13", "rejected")];
  expect(smsScenarios(all).map(({ digits }) => digits)).toEqual(["01", "13"]);
});

test("the sender IDs of an account are those of its rules, each once", () => {
  const rules = [
    { send_id: "ACME", routes: [{ account: "uk", send_id: "ACMEUK" }, { account: "de" }] },
    { send_id: "ACME", routes: [{ account: "de" }] },
    { send_id: "60777" },
    { send_id: "OTHER", routes: [] },
  ];
  expect(sendersOfAccount(rules, "uk", "twilio")).toEqual(["ACMEUK"]);
  expect(sendersOfAccount(rules, "de", "twilio")).toEqual(["ACME"]);
  expect(sendersOfAccount(rules, "twilio", "twilio")).toEqual(["60777", "OTHER"]);
  expect(sendersOfAccount(rules, "none", undefined)).toEqual([]);
});
