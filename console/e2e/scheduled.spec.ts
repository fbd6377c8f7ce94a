// Scheduled sends: the field in the reader's zone, the list, the page before and after the start, and both languages.
import type { Page } from "@playwright/test";
import { answers, expect, pick, recipient, test } from "./test";

const hour = 3600 * 1000;

async function fillMessage(page: Page, policy: string, to = recipient("02")) {
  await page.goto(`sends/new?policy=${policy}`);
  await page.getByLabel("Recipient").fill(to);
  await page.getByLabel("Text", { exact: true }).nth(-1).fill("Your parcel comes today.");
  await page.getByLabel("Text of the SMS").fill("Parcel today.");
}

/** fillSendAt writes a time of the page's zone. */
async function fillSendAt(page: Page, at: string) {
  await page.getByLabel("Send at").fill(at);
  await page.getByLabel("Send at").press("Enter");
}

/** dayIn returns a day of a time zone as YYYY-MM-DD, some days from now. */
function dayIn(timeZone: string, days: number): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone }).format(Date.now() + days * 24 * hour);
}

test.describe("in another time zone than the server's", () => {
  test.use({ timezoneId: "Asia/Tokyo" });

  test("a send is scheduled in the reader's zone, and says everywhere when it starts", async ({ page, api }) => {
    const rule = await api.rule({ type: "undelivered", wait_seconds: 600, send_id: "ACME" });
    const policy = await api.policy([rule]);
    await fillMessage(page, policy.id);
    await expect(page.getByText("in your time zone, Asia/Tokyo (GMT+9)")).toBeVisible();
    const day = dayIn("Asia/Tokyo", 2);
    await fillSendAt(page, `${day} 09:30`);
    await expect(page.locator(".new-send-plan").getByText(/^Starts at .* 09:30:00 GMT\+9$/)).toBeVisible();
    await page.getByRole("button", { name: "Schedule", exact: true }).click();

    await expect(page).toHaveURL(/\/sends\/[0-9a-f-]{36}$/);
    const id = page.url().split("/").at(-1) ?? "";
    const send = await api.get({ id } as Parameters<typeof api.get>[0]);
    expect(send.send_at).toBe(new Date(`${day}T09:30:00+09:00`).toISOString().replace(".000Z", "Z"));
    expect(send.started_at).toBeUndefined();
    expect(Date.parse(send.next_deadline ?? "") - Date.parse(send.send_at ?? "")).toBe(600_000);

    const verdict = page.locator(".verdict");
    await expect(verdict.getByRole("heading")).toHaveText("Scheduled, not started yet");
    await expect(verdict).toContainText(/It is scheduled, and starts at .*09:30:00 GMT\+9/);
    await expect(page.getByRole("heading", { level: 1 })).toContainText("Scheduled");
    await expect(page.getByRole("timer")).toBeHidden();
    await expect(page.getByRole("link", { name: "Run in Temporal" })).toBeHidden();

    await page.goto(`sends?policy=${policy.id}`);
    const row = page.getByRole("row").filter({ hasText: send.to });
    await expect(row.getByText("Scheduled", { exact: true })).toBeVisible();
    await expect(row).toContainText(/starts .*09:30:00/);
  });
});

test("the list shows scheduled sends alone, or the others", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const scheduled = await api.schedule(policy, new Date(Date.now() + 24 * hour));
  const other = await api.send(policy);
  await page.goto(`sends?policy=${policy.id}`);
  const link = ({ id }: { id: string }) => page.locator(`a[href$="/sends/${id}"]`);
  await expect(link(scheduled)).toBeVisible();
  await expect(link(other)).toBeVisible();
  await page.getByRole("button", { name: "Add filter" }).click();
  await page.getByRole("menuitem", { name: "Scheduled" }).click();
  await expect(page).toHaveURL(/scheduled=true/);
  await expect(link(scheduled)).toBeVisible();
  await expect(link(other)).toBeHidden();
  await page.getByRole("combobox", { name: "Scheduled" }).click();
  await pick(page, "Not scheduled, or started", 2);
  await expect(link(other)).toBeVisible();
  await expect(link(scheduled)).toBeHidden();
});

test("the page of a scheduled send shows its start without a reload", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const scheduled = await api.schedule(policy, new Date(Date.now() + 6000), recipient("01"));
  await page.goto(`sends/${scheduled.id}`);
  const verdict = page.locator(".verdict");
  await expect(verdict).toContainText("It is scheduled, and starts at");
  await expect(verdict).toContainText("It was scheduled, and started at", { timeout: 30_000 });
  await expect(verdict).toContainText(/Delivered by WhatsApp|Read on WhatsApp/, { timeout: 20_000 });
  const send = await api.get(scheduled);
  const [first] = send.attempts;
  expect(Date.parse(first?.started_at ?? "")).toBeGreaterThanOrEqual(Date.parse(send.send_at ?? ""));
});

test("the draft keeps the time of a scheduled send", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await fillMessage(page, policy.id);
  const at = `${dayIn("Europe/London", 3)} 08:15`;
  await fillSendAt(page, at);
  await expect(page.getByRole("button", { name: "Schedule", exact: true })).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("Send at")).toHaveValue(at);
});

test.describe("what the API refuses", () => {
  test.use({ mayFail: answers(422) });

  test("an end before the start is wrong at its field", async ({ page, api }) => {
    const policy = await api.policy([await api.rule()]);
    await fillMessage(page, policy.id);
    await fillSendAt(page, `${dayIn("Europe/London", 3)} 08:15`);
    await page.getByRole("button", { name: "Change the rules for this send only" }).click();
    await page.getByLabel("Expires").fill(`${dayIn("Europe/London", 2)} 08:15:00`);
    await page.getByLabel("Expires").press("Enter");
    await page.getByRole("button", { name: "Schedule", exact: true }).click();
    await expect(page.locator(".ant-form-item-explain-error")).toContainText("must be later than Send at");
  });
});

test.describe("in Chinese", () => {
  test.use({ locale: "zh-CN" });

  test("a scheduled send says when it starts", async ({ page, api }) => {
    const policy = await api.policy([await api.rule()]);
    await page.goto(`sends/new?policy=${policy.id}`);
    await expect(page.getByText("留空：立即发送。最多提前 180 天")).toBeVisible();
    const scheduled = await api.schedule(policy, new Date(Date.now() + 24 * hour));
    await page.goto(`sends/${scheduled.id}`);
    await expect(page.locator(".verdict").getByRole("heading")).toHaveText("已定时，尚未开始");
    await expect(page.getByRole("heading", { level: 1 })).toContainText("已定时");
  });
});
