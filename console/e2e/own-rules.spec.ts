// A new send that brings its rules, in the place of a policy.
import type { Page } from "@playwright/test";
import { answers, expect, pick, recipient, test, unique } from "./test";

const rules = (page: Page) => page.getByRole("region", { name: "Rules of this send" });
const ruleOf = (page: Page, name: string) =>
  rules(page)
    .getByRole("list", { name: "Rules of this send" })
    .locator("> li")
    .filter({ has: page.locator(`[value="${name}"]`) });

async function writeTexts(page: Page, to: string) {
  await page.goto("sends/new");
  await page.getByLabel("Recipient").fill(to);
  await page.getByLabel("Text", { exact: true }).nth(-1).fill("Your parcel comes today.");
  await page.getByLabel("Text of the SMS").fill("Parcel today.");
  await page.getByRole("radio", { name: "For this send alone" }).check();
}

test("a send with two rules of its own follows them", async ({ page, api }) => {
  const account = await api.account();
  const [never, soon] = [unique("Never"), unique("Soon")];
  await writeTexts(page, recipient("02"));
  await expect(page.getByLabel("Policy")).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Change the rules for this send only" })).toHaveCount(0);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByText("Enter the SMS sender ID")).toBeVisible(); // the first rule is there, and not yet whole

  await rules(page).getByLabel("Name").fill(never);
  await rules(page).getByRole("radio", { name: "Send failed" }).check();
  await rules(page).getByRole("textbox", { name: "SendID" }).fill("FIRST");
  await rules(page).getByRole("button", { name: "Add a rule" }).click();
  const second = ruleOf(page, "Rule 1");
  await second.getByRole("radio", { name: "Unread" }).check();
  await second.getByRole("textbox", { name: "SendID" }).fill("ACME");
  await second.getByRole("spinbutton").fill("");
  await expect(second.getByText("A rule of this type needs a wait")).toBeVisible();
  await second.getByRole("combobox", { name: "Unit" }).click();
  await pick(page, "seconds");
  await second.getByRole("spinbutton").fill("6");
  await second.getByRole("combobox", { name: "SMS accounts" }).fill(account.name);
  await pick(page, account.name, 1);
  await expect(second.getByLabel(`SendID at ${account.name}`)).toHaveAttribute("placeholder", /ACME/);
  await second.getByLabel("Name").fill(soon);
  await page.getByRole("button", { name: `Move ${soon} up` }).click();

  await page.reload(); // the draft is kept
  await expect(rules(page).getByLabel("Name").first()).toHaveValue(soon);
  await expect(rules(page).getByLabel("Name").last()).toHaveValue(never);
  const plan = page.getByRole("figure", { name: "What happens, and when" });
  await expect(plan).toContainText("Not read: SMS from ACME");
  await expect(page.getByText("Rules of its own")).toBeVisible();
  await page.getByRole("button", { name: "Send", exact: true }).click();

  await expect(page).toHaveURL(/\/sends\/[0-9a-f-]{36}$/);
  const send = await api.get({ id: page.url().split("/").at(-1) ?? "" } as Parameters<typeof api.get>[0]);
  expect(send.plan.policy_id).toBeUndefined();
  expect(send.plan.rules).toMatchObject([
    { name: soon, type: "unread", wait_seconds: 6, send_id: "ACME", routes: [{ account: account.name }] },
    { name: never, type: "send_failed", send_id: "FIRST" },
  ]);
  await expect(page.locator(".verdict")).toContainText(`Rule “${soon}” sent the SMS`, { timeout: 20_000 });
});

test.describe("what the API refuses", () => {
  test.use({ mayFail: answers(422) });

  test("the reason appears at its rule", async ({ page }) => {
    await writeTexts(page, recipient("01"));
    await rules(page).getByLabel("Name").fill("Twice");
    await rules(page).getByRole("textbox", { name: "SendID" }).fill("ACME");
    await rules(page).getByRole("button", { name: "Add a rule" }).click();
    await rules(page).getByLabel("Name").last().fill("TWICE");
    await rules(page).getByRole("textbox", { name: "SendID" }).last().fill("ACME");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await expect(ruleOf(page, "TWICE").locator(".ant-form-item-explain-error")).toBeVisible();
    await expect(ruleOf(page, "Twice").locator(".ant-form-item-explain-error")).toHaveCount(0);
    for (const name of ["TWICE", "Twice"]) {
      await page.getByRole("button", { name: `Remove ${name}`, exact: true }).click();
    }
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await expect(rules(page).locator(".ant-form-item-explain-error, .ant-form-item-explain").first()).toContainText(
      "Add a rule",
    );
    await expect(page).toHaveURL(/sends\/new/);
  });
});
