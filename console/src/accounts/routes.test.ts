import { expect, test } from "vitest";
import { firstSender, namesAccount, routesText, sendersOf } from "./routes";

const routes = [{ account: "uk", send_id: "ACMEUK" }, { account: "de" }];

test("a rule with accounts begins with the first, and with its sender ID", () => {
  expect(firstSender({ send_id: "ACME", routes })).toBe("ACMEUK");
  expect(firstSender({ send_id: "ACME", routes: [{ account: "de" }] })).toBe("ACME");
  expect(firstSender({ send_id: "ACME" })).toBe("ACME");
});

test("the accounts of a rule as a text have the sender IDs that are not the rule's", () => {
  expect(routesText(routes)).toBe("uk (ACMEUK) → de");
  expect(routesText(undefined)).toBe("");
  expect(namesAccount({ routes }, "de")).toBe(true);
  expect(namesAccount({}, "de")).toBe(false);
});

test("two rules have the same senders if each account sends from the same sender ID", () => {
  const same = {
    send_id: "ACME",
    routes: [
      { account: "uk", send_id: "ACMEUK" },
      { account: "de", send_id: "ACME" },
    ],
  };
  expect(sendersOf({ send_id: "ACME", routes })).toEqual(sendersOf(same));
  expect(sendersOf({ send_id: "ACME", routes })).not.toEqual(sendersOf({ send_id: "ACME" }));
});
