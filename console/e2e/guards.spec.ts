// The guards hold for the whole program that the tests share, so these tests use countries that no other test has.
import type { Page } from "@playwright/test";
import { API, answers, expect, pick, test } from "./test";

test.describe.configure({ mode: "serial" });
test.use({ mayFail: answers(412, 422, 429) }); // what the tests provoke

const dialogOf = (page: Page) => page.getByRole("dialog", { name: "Guards" });
const settingsOf = (page: Page) => page.locator(".ant-card", { hasText: "Settings" }).first();

async function open(page: Page) {
  await page.goto("guards");
  await page.getByRole("button", { name: "Edit the guards" }).click();
  await expect(dialogOf(page)).toBeVisible();
}

test.beforeEach(({ api }) => api.replaceGuards({}));
test.afterAll(async ({ playwright }) => {
  const request = await playwright.request.newContext();
  await new API(request).replaceGuards({});
  await request.dispose();
});

test("guards are set, and are off when they are emptied", async ({ page }) => {
  await open(page);
  const dialog = dialogOf(page);
  await dialog.getByLabel("Blocked countries").fill("liechten");
  await pick(page, "Liechtenstein (LI)", 1);
  await page.keyboard.press("Tab");
  await dialog.getByRole("button", { name: "Fill in suggestions" }).click();
  await expect(dialog.getByLabel("Cap per number")).toHaveValue("10");
  await dialog.getByLabel("Cap per number").fill("100000");
  await expect(dialog.getByLabel("Cap per range of numbers")).toHaveValue("100");
  await dialog.getByLabel("First digits after the calling code").fill("");
  await dialog.getByRole("button", { name: /Save/ }).click();
  await expect(dialog.getByText("Enter how many digits")).toBeVisible();
  await dialog.getByLabel("First digits after the calling code").fill("7");
  await dialog.getByLabel("Cap per range of numbers").fill("90000");
  await dialog.getByRole("button", { name: "Add a country" }).click();
  await dialog.getByLabel("Country", { exact: true }).fill("iceland");
  await pick(page, "Iceland (IS)", 1);
  await dialog.getByLabel("Cap of Iceland").fill("3");
  await dialog.getByLabel("Seconds without the same text to the same number").fill("1");
  await dialog.getByRole("radio", { name: "An error (409)" }).check();
  await dialog.getByRole("button", { name: /Save/ }).click();
  await expect(page.getByText("The guards are saved")).toBeVisible();
  await expect(dialog).toBeHidden();
  for (const text of [
    "Liechtenstein",
    "100000 an hour",
    "90000 an hour for numbers that share 7 digits",
    "Iceland: 3 an hour",
    "An error (409), for 1 s",
  ]) {
    await expect(settingsOf(page).getByText(text)).toBeVisible();
  }

  await page.getByRole("button", { name: "Edit the guards" }).click();
  await dialog.getByRole("button", { name: "Remove Iceland" }).click();
  for (const field of ["Cap per number", "Cap per range of numbers", "First digits after the calling code"]) {
    await dialog.getByLabel(field).fill("");
  }
  await dialog.getByLabel("Seconds without the same text to the same number").fill("");
  await dialog.getByRole("button", { name: /Save/ }).click();
  await expect(dialog).toBeHidden();
  await expect(settingsOf(page).getByText("Off", { exact: true })).toHaveCount(4);
});

test("a change by somebody else is not overwritten", async ({ page, api }) => {
  await open(page);
  await dialogOf(page).getByLabel("Cap per country").fill("70000");
  await api.replaceGuards({ watch: ["AD"] });
  await dialogOf(page).getByRole("button", { name: /Save/ }).click();
  const conflict = page.getByRole("dialog", { name: "Somebody else changed it while you were editing" });
  await expect(conflict.getByText("Andorra")).toBeVisible();
  await conflict.getByRole("button", { name: "Use their version, discard mine" }).click();
  await expect(dialogOf(page).getByText("Andorra (AD)")).toBeVisible();
});
test("a refused send says which guard, and is counted", async ({ page, api }) => {
  await api.replaceGuards({ block: ["LI"], country_caps: [{ country: "IS", cap: 1 }] });
  const policy = await api.policy([await api.rule()]);
  await page.goto(`sends/new?policy=${policy.id}`);
  await page.getByLabel("Recipient").fill("+423660234501");
  await page.getByLabel("Text", { exact: true }).nth(-1).fill("Hello");
  await page.getByLabel("Text of the SMS").fill("Hello");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  const wrong = page.locator(".ant-form-item-explain-error");
  await expect(wrong).toContainText("is in a country to which the guards accept no send");

  await api.send(policy, `+354611${String(Date.now() % 100).padStart(2, "0")}01`).catch(() => undefined); // 1 an hour
  await page.getByLabel("Recipient").fill("+3546119901");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(wrong).toContainText("has reached a cap of the guards: Cap per country, 1 an hour");

  await page.goto("guards");
  for (const cells of [
    ["Countries", "Refused", "Liechtenstein"],
    ["Cap per country", "Refused", "Iceland"],
  ]) {
    const row = cells.reduce((rows, text) => rows.filter({ hasText: text }), page.getByRole("row"));
    await expect(row).toHaveCount(1, { timeout: 20_000 });
  }
});

test("the same text gets the first send", async ({ page, api }) => {
  await api.replaceGuards({ same_text_seconds: 60 });
  const policy = await api.policy([await api.rule()]);
  const to = `+35361${String(Date.now() % 100_000).padStart(5, "0")}01`;
  const first = await api.send(policy, to);
  await page.goto(`sends/new?policy=${policy.id}`);
  await page.getByLabel("Recipient").fill(to);
  await page.getByLabel("Text", { exact: true }).nth(-1).fill("Your parcel comes today.");
  await page.getByLabel("Text of the SMS").fill("Parcel today.");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByText("Nothing was sent: the recipient got the same content a moment ago")).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`sends/${first.id}$`));
});

test.describe("in Chinese", () => {
  test.use({ locale: "zh-CN" });

  test("the page and its form are in Chinese", async ({ page }) => {
    await page.goto("guards");
    await page.getByRole("button", { name: "编辑防护规则" }).click();
    const dialog = page.getByRole("dialog", { name: "防护规则" });
    await expect(dialog.getByLabel("单个号码上限")).toBeVisible();
    await expect(dialog.getByText("填入建议值")).toBeVisible();
  });
});
