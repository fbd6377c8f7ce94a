import { answers, expect, recipient, test } from "./test";

test("the numbers match the sends", async ({ page, api }) => {
  const rule = await api.rule({ type: "send_failed", wait_seconds: 60 });
  const policy = await api.policy([rule]);
  const sends = await Promise.all(["01", "01", "01", "04"].map((scenario) => api.send(policy, recipient(scenario))));
  for (const send of sends) {
    await expect.poll(async () => (await api.get(send)).outcome, { timeout: 20_000 }).not.toBe("pending");
  }
  await page.goto(`?policy=${policy.id}&range=hour`);
  const tile = (name: string) => page.locator(".tile").filter({ has: page.getByText(name, { exact: true }) });
  await expect(tile("Sends")).toContainText("4");
  await expect(tile("Delivered by WhatsApp")).toContainText("75%");
  await expect(tile("Delivered by SMS")).toContainText("25%");
  await expect(tile("Fallback rate")).toContainText("25%");
  await expect(tile("Time to delivery, p50")).toContainText(/[0-9] s/);

  const outcomes = page.getByRole("img", { name: "Outcomes over time" });
  await expect(outcomes).toHaveAccessibleDescription(/^4 sends; the highest bar: [1-4]/);
  await page.getByRole("button", { name: "As a table" }).first().click();
  await expect(page.getByRole("columnheader", { name: "By WhatsApp" })).toBeVisible();

  const rates = page.locator(".ant-card").filter({ has: page.getByRole("heading", { name: "Fallback rate by rule" }) });
  await expect(rates.getByRole("row").filter({ hasText: rule.name })).toContainText("25%");
  const reasons = page.locator(".ant-card").filter({ has: page.getByRole("heading", { name: "Why sends fell back" }) });
  await expect(reasons).toContainText("WhatsApp failed permanently");

  await page.getByText("7 days", { exact: true }).click();
  await expect(page).toHaveURL(/range=week/);
  await expect(tile("Sends")).toContainText("4");
});

test.describe("a range that is too long", () => {
  test.use({ mayFail: answers(422) });

  test("shows the API's reason", async ({ page }) => {
    await page.goto("?from=2026-01-01T00:00:00.000Z&until=2026-06-01T00:00:00.000Z");
    await expect(page.getByRole("alert")).toContainText("92 days");
    await page.getByText("24 hours", { exact: true }).click();
    await expect(page.getByRole("alert")).toBeHidden();
  });
});

test("a range without sends shows what to do first", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await page.goto(`?policy=${policy.id}`);
  await expect(page.getByText("No sends in this range")).toBeVisible();
  await page.getByRole("link", { name: "New send" }).click();
  await expect(page.getByRole("heading", { name: "New send", level: 1 })).toBeVisible();
});
