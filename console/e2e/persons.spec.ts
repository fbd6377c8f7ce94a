// A person's data: found by the whole number, exported, and erased after the number was typed once more.
import { readFile } from "node:fs/promises";
import { expect, recipient, test } from "./test";

test("a person is found, exported and erased, and the number is never in the address", async ({ page, api }) => {
  const number = recipient("02");
  const policy = await api.policy([await api.rule({ type: "unread" })]);
  await api.send(policy, number);
  await api.optOut(number, "marketing");

  await page.goto("persons");
  await expect(page.getByRole("link", { name: "Personal data" })).toHaveAttribute("aria-current", "page");
  await page.getByLabel("Phone number").fill("0740");
  await page.getByRole("button", { name: "Find" }).click();
  await expect(page.locator(".ant-form-item-explain-error")).toBeVisible();
  await page.getByLabel("Phone number").fill(`${number.slice(0, 5)} ${number.slice(5)}`);
  await page.getByRole("button", { name: "Find" }).click();
  await expect(page.getByRole("heading", { name: `Stored about ${number}` })).toBeVisible();
  const count = (label: string) => page.locator(".ant-descriptions-row, tr").filter({ hasText: label }).first();
  await expect(count("Of these, not ended")).toContainText("1");
  await expect(page.getByText("a person who said STOP must not be written to by mistake")).toBeVisible();

  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Export as JSON" }).click(),
  ]);
  expect(file.suggestedFilename()).toMatch(/^person-[\d-]+\.json$/);
  const person = JSON.parse(await readFile(await file.path(), "utf8"));
  expect(person.to).toBe(number);
  expect(person.sends).toHaveLength(1);
  expect(person.sends[0].text).toBe("Your parcel comes today.");
  expect(person.opt_outs).toHaveLength(1);

  await page.getByRole("button", { name: "Erase", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("1 send has not ended");
  const erase = dialog.getByRole("button", { name: "Erase for ever" });
  await expect(erase).toBeDisabled();
  await dialog.getByLabel("Type the number").fill(number.slice(0, -1));
  await expect(erase).toBeDisabled();
  await dialog.getByLabel("Type the number").fill(number);
  await dialog.getByLabel("Keep the opt-outs").uncheck();
  await erase.click();
  await expect(page.getByText("The person is erased")).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText("1 send cancelled")).toBeVisible();
  await expect(page.getByRole("row").filter({ hasText: "Removed" }).first()).toContainText("Done");
  expect(page.url()).not.toContain(number.slice(1));

  await page.getByRole("button", { name: "Find" }).click();
  await expect(count("Of these, not ended")).toContainText("0");
  await expect(count("Opt-outs")).toContainText("0");
});

test.describe("in Chinese", () => {
  test.use({ locale: "zh-CN" });
  test("the page has its words", async ({ page }) => {
    await page.goto("persons");
    await expect(page.getByRole("heading", { name: "个人数据" })).toBeVisible();
    await expect(page.getByRole("button", { name: /查\s?找/ })).toBeVisible();
    await expect(page.getByRole("heading", { name: "删除记录" })).toBeVisible();
  });
});
