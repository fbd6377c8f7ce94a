// The audit log: who changed what, its filters, the drawer with the difference, and the way to it from a page.
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { choose, expect, test } from "./test";

const rows = (page: Page) => page.getByRole("row").filter({ has: page.getByRole("rowheader") });

test("a change is in the log with its difference, and a page has the way to its history", async ({ page, api }) => {
  const rule = await api.rule({ wait_seconds: 60 });
  await page.goto(`rules/${rule.id}`);
  await page.getByRole("link", { name: "History" }).click();
  await expect(page.getByRole("heading", { name: "Audit log" })).toBeVisible();
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText("Created");
  await expect(rows(page)).toContainText("127.0.0.1");

  await page.getByRole("button", { name: `Rule ${rule.name}` }).click();
  const drawer = page.getByRole("dialog");
  await expect(drawer.getByRole("row").filter({ hasText: "wait_seconds" })).toContainText("60");
  await drawer.getByRole("link", { name: `Rule ${rule.name}` }).click();
  await expect(page.getByRole("heading", { name: rule.name })).toBeVisible();
});

test("the log is searched, filtered, and exported", async ({ page, api }) => {
  const rule = await api.rule();
  await page.goto("audit");
  await expect(page.getByRole("link", { name: "Audit log" })).toHaveAttribute("aria-current", "page");
  await page.getByLabel("Search by name").fill(rule.name);
  await expect(rows(page)).toHaveCount(1);
  await choose(page, page.getByRole("combobox", { name: "What" }), "Rule");
  await expect(rows(page)).toHaveCount(1);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "CSV" }).click()]);
  expect(file.suggestedFilename()).toMatch(/^audit-\d{8}-\d{6}\.csv$/);
  const lines = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain(rule.id);

  await choose(page, page.getByRole("combobox", { name: "Action", exact: true }), "Deleted");
  await expect(page.getByText("Nothing matches")).toBeVisible();
});
