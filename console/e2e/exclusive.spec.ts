// The exclusive fallback: the choice in a new send, its level in the plan, and what the API refuses.
import type { Page } from "@playwright/test";
import { answers, choose, expect, recipient, test } from "./test";

const picker = (page: Page) => page.getByRole("combobox", { name: /Template$/ });
const exclusive = (page: Page) => page.getByRole("checkbox", { name: "WhatsApp must not arrive after the SMS" });
const plan = (page: Page) => page.locator(".new-send-plan");

test("a send is exclusive if its template lives no longer than the wait", async ({ page, api }) => {
  const policy = await api.policy([await api.rule({ wait_seconds: 600 })]);
  await page.goto(`sends/new?policy=${policy.id}`);
  await page.getByLabel("Recipient").fill(recipient("01"));
  await page.getByRole("radio", { name: "Template" }).check();
  await choose(page, picker(page), "verification_code · en_US");
  await page.getByLabel("Body: {{1}}").fill("123456");
  await page.getByLabel("Button “Copy code”: end of its address").fill("123456");
  await page.getByLabel("Text of the SMS").fill("Your code is 123456.");
  await expect(plan(page)).toContainText("WhatsApp after the SMS: unlikely");
  await expect(plan(page)).toContainText("the send is not exclusive");

  await exclusive(page).check();
  await expect(plan(page)).toContainText("WhatsApp after the SMS: ruled out");
  await expect(plan(page)).toContainText("WhatsApp drops the message after 10 min");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page).toHaveURL(/sends\/[0-9a-f-]{36}$/);
  await expect(page.getByText("WhatsApp after the SMS: ruled out")).toBeVisible();
  const sent = await api.get({ id: page.url().split("/").at(-1) ?? "" } as never);
  expect(sent.plan.exclusive).toBe(true);
  const accepted = Date.parse(sent.accepted_at);
  expect(Date.parse(sent.plan.rules[0]?.deadline ?? "")).toBe(accepted + 615_000);
});

test.describe("what the API refuses", () => {
  test.use({ mayFail: answers(422) });

  test("a text cannot be exclusive with a wait, and the form says why", async ({ page, api }) => {
    const rule = await api.rule({ wait_seconds: 600 });
    const policy = await api.policy([rule]);
    await page.goto(`sends/new?policy=${policy.id}`);
    await page.getByLabel("Recipient").fill(recipient("01"));
    await page.getByLabel("Text", { exact: true }).nth(-1).fill("Hello");
    await page.getByLabel("Text of the SMS").fill("Hello");
    await expect(plan(page)).toContainText("WhatsApp after the SMS: possible");
    await exclusive(page).check();
    await expect(plan(page)).toContainText("for up to 30 days");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    const wrong = page.locator(".ant-form-item-explain-error");
    await expect(wrong).toContainText(`rule “${rule.name}” has a wait`);
    await exclusive(page).uncheck();
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await expect(page).toHaveURL(/sends\/[0-9a-f-]{36}$/);
  });
});
