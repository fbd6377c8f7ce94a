// The first minutes: from an empty installation to a test send that is watched live.
import type { Page } from "@playwright/test";
import { expect, test } from "./test";

const step = (page: Page, name: string) => page.locator(".first-steps li").filter({ hasText: name });

test("the first steps have a tick for what is done, from real data", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  for (const [list, name] of [
    ["rules", "Add a rule"],
    ["policies", "Add a policy"],
    ["sends", "Send a message"],
  ] as const) {
    await api.send(policy); // so that each step is done, but for the list that is empty
    await page.route(`**/v1/${list}?*`, (route) => route.fulfill({ json: { items: [] } }));
    await page.goto("start");
    await expect(step(page, name)).not.toHaveClass(/done/);
    await expect(page.locator(".first-steps .done")).toHaveCount(2);
    await page.unrouteAll();
  }
  await page.goto("start");
  await expect(page.locator(".first-steps .done")).toHaveCount(3);
});

test("an overview without any send shows the first steps", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await page.route("**/v1/sends?*", (route) => route.fulfill({ json: { items: [] } }));
  await page.goto(`?policy=${policy.id}`);
  await step(page, "Add a policy").getByRole("link", { name: "Policies" }).click();
  await expect(page.getByRole("heading", { name: "Fallback Policy", level: 1 })).toBeVisible();
});

test("a test send: one scenario fills the form, and the send opens live", async ({ page, api }) => {
  await api.policy([await api.rule()]);
  await page.goto("start");
  await expect(page.getByText("Sandbox", { exact: true })).toBeVisible();
  await page.getByRole("link", { name: "Send a test" }).click();
  await expect(page.getByLabel("Recipient")).toHaveValue(/^[+]447400[0-9]{4}04$/);
  await page.getByRole("combobox", { name: "Scenario" }).click();
  await page.getByRole("combobox", { name: "Scenario" }).fill("nothing works");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Recipient")).toHaveValue(/13$/);
  await expect(page.getByLabel("Text of the SMS")).not.toHaveValue("");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page).toHaveURL(/sends\/[0-9a-f-]{36}$/);
  await expect(page.locator(".connection.live")).toBeVisible();
  await expect(page.locator("main")).toContainText("131026", { timeout: 20_000 });
});

test("with real providers a send asks once, and says what it may cost", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await page.route("**/console/session", async (route) => {
    const answer = await route.fetch();
    const { scenarios: _, ...session } = await answer.json();
    await route.fulfill({ response: answer, json: { ...session, sandbox: false } });
  });
  await page.goto(`sends/new?policy=${policy.id}`);
  await expect(page.getByText("Sandbox", { exact: true })).toHaveCount(0);
  await expect(page.getByRole("combobox", { name: "Scenario" })).toHaveCount(0);
  await page.getByLabel("Recipient").fill("+447400123401");
  await page.locator("#send_text").fill("Your parcel comes today.");
  await page.getByLabel("Text of the SMS").fill("Parcel today.");
  await expect(page.getByText("1 segment")).toBeVisible(); // the preview has come
  await page.getByRole("button", { name: "Send", exact: true }).click();
  const question = page.getByRole("dialog", { name: "Send a real message?" });
  await expect(question).toContainText("+447400123401");
  await expect(question).toContainText(policy.name);
  await expect(question).toContainText("1 segment");
  await question.getByRole("button", { name: "Back to the form" }).click();
  await expect(question).toBeHidden();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await question.getByRole("button", { name: "Send it now" }).click();
  await expect(page).toHaveURL(/sends\/[0-9a-f-]{36}$/);
});
