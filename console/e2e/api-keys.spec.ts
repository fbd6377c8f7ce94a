// The API keys: a new key is shown once, calls the API within its scopes, is edited, rotated and revoked.
import type { APIRequestContext, Page } from "@playwright/test";
import { answers, choose, consoleURL, expect, test, unique } from "./test";

test.use({ mayFail: answers(403, 422) });

const secretForm = /^bsk_(live|test)_[a-z2-7]{8}_[a-z2-7]{52}$/;
const dialog = (page: Page) => page.getByRole("dialog");
const rowOf = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });

/** statusOf returns the status of a call with a key. */
async function statusOf(request: APIRequestContext, secret: string, path: string): Promise<number> {
  const headers = { Authorization: `Bearer ${secret}` };
  return (await request.get(new URL(path, consoleURL()).href, { headers })).status();
}

/** takeSecret reads the new key from its dialog, and closes it. */
async function takeSecret(page: Page): Promise<string> {
  await expect(dialog(page)).toContainText("it is not shown again");
  const secret = (await dialog(page).locator("code").textContent()) ?? "";
  expect(secret).toMatch(secretForm);
  await page.keyboard.press("Escape");
  await expect(dialog(page)).toBeVisible(); // a slip does not lose the key
  await dialog(page).getByRole("button", { name: "I have stored it" }).click();
  await expect(dialog(page)).toHaveCount(0);
  expect(await page.content()).not.toContain(secret);
  return secret;
}

test("a key is created, used, edited, rotated and revoked", async ({ page, request, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const name = unique("Reports");
  await page.goto("api-keys");
  await expect(page.getByRole("link", { name: "API keys" })).toHaveAttribute("aria-current", "page");
  await page.getByRole("button", { name: "Create a key" }).first().click(); // an empty list has a second one
  await dialog(page).getByLabel("Name").fill(name);
  await dialog(page).getByRole("checkbox", { name: "sends:write" }).uncheck();
  await dialog(page).getByLabel("Requests a second").fill("50");
  await dialog(page).getByRole("button", { name: "Add", exact: true }).click();
  await dialog(page).getByRole("button", { name: "Copy the key" }).click();
  await expect(page.getByText("Copied")).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const secret = await takeSecret(page);
  expect(copied).toBe(secret);
  const row = rowOf(page, name);
  await expect(row).toContainText(secret.slice(0, secret.lastIndexOf("_")));
  await expect(row).toContainText("50 a second");
  await expect(row).toContainText("Not yet");

  expect(await statusOf(request, secret, "/v1/sends")).toBe(200);
  expect(await statusOf(request, secret, "/v1/rules")).toBe(403);

  await row.getByRole("button", { name: `Edit ${name}` }).click();
  await dialog(page).getByRole("checkbox", { name: "settings:read" }).check();
  await dialog(page).getByLabel("Requests a second").fill("");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(`The key “${name}” is saved`)).toBeVisible();
  await expect(row).toContainText("sends:read, settings:read");
  await expect(row).not.toContainText("a second");
  expect(await statusOf(request, secret, "/v1/rules")).toBe(200);

  await row.getByRole("button", { name: `Rotate ${name}` }).click();
  await choose(page, dialog(page).getByLabel("The present secret stays valid for"), "1 h");
  await dialog(page).getByRole("button", { name: "Rotate", exact: true }).click();
  await expect(dialog(page)).toContainText("The former secret is valid until");
  const second = await takeSecret(page);
  expect(await statusOf(request, second, "/v1/sends")).toBe(200);
  expect(await statusOf(request, secret, "/v1/sends")).toBe(200);

  await row.getByRole("button", { name: `Rotate ${name}` }).click();
  await choose(page, dialog(page).getByLabel("The present secret stays valid for"), "It ends at once");
  await dialog(page).getByRole("button", { name: "Rotate", exact: true }).click();
  const third = await takeSecret(page);
  expect(await statusOf(request, second, "/v1/sends")).toBe(401);
  expect(await statusOf(request, secret, "/v1/sends")).toBe(401);
  expect(await statusOf(request, third, "/v1/sends")).toBe(200);

  await row.getByRole("button", { name: `Revoke ${name}` }).click();
  await dialog(page).getByRole("button", { name: "Cancel" }).click();
  expect(await statusOf(request, third, "/v1/sends")).toBe(200);
  await row.getByRole("button", { name: `Revoke ${name}` }).click();
  await dialog(page).getByRole("button", { name: "Revoke", exact: true }).click();
  await expect(page.getByText(`The key “${name}” is revoked`)).toBeVisible();
  await expect(row).toHaveCount(0);
  expect(await statusOf(request, third, "/v1/sends")).toBe(401);
});

test("what the API refuses is shown at its field, and a key has limits by name", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const name = unique("Shop");
  await page.goto("api-keys");
  await page.getByRole("button", { name: "Create a key" }).first().click(); // an empty list has a second one
  await dialog(page).getByLabel("Name").fill(name);
  await dialog(page).getByLabel("Test", { exact: true }).check();
  await dialog(page).getByRole("checkbox", { name: "admin" }).check();
  const policies = dialog(page).getByRole("combobox", { name: "Policies" });
  await policies.fill(policy.name);
  await choose(page, policies, policy.name);
  await page.keyboard.press("Escape");
  await dialog(page).getByRole("button", { name: "Add", exact: true }).click();
  const scopes = dialog(page).locator(".ant-form-item").filter({ hasText: "Scopes" });
  await expect(scopes.locator(".ant-form-item-explain-error")).toContainText("is not possible for a test key");
  await dialog(page).getByRole("checkbox", { name: "admin" }).uncheck();
  await dialog(page).getByRole("button", { name: "Add", exact: true }).click();
  expect(await takeSecret(page)).toMatch(/^bsk_test_/);

  const row = rowOf(page, name);
  await expect(row).toContainText("Test");
  await expect(row).toContainText("1 policy");
  await row.getByRole("button", { name: "Expand row" }).click();
  await expect(page.getByRole("link", { name: policy.name })).toBeVisible();
});

test("without keys the page says what they are for", async ({ page }) => {
  await page.route("**/v1/keys", (route) => route.fulfill({ json: { items: [] } }));
  await page.goto("api-keys");
  await expect(page.getByText("No API keys yet")).toBeVisible();
});

test.describe("a session of a key without the scope admin", () => {
  test.use({ signedIn: false });

  test("shows that the API refuses", async ({ page, api }) => {
    const { secret } = await api.key({ scopes: ["settings:read", "sends:read"] });
    const session = await page.request.post(new URL("session", consoleURL()).href, { data: { api_key: secret } });
    expect(session.status()).toBe(200);
    await page.goto("api-keys");
    await expect(page.getByRole("alert")).toContainText("This is not permitted");
    await expect(page.getByRole("alert")).toContainText("admin");
    await expect(page.getByRole("button", { name: "Create a key" })).toHaveCount(0);
  });
});
