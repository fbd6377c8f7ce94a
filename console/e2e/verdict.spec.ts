// The answer to "he got nothing": each SMS with its error explained, ready to copy, and the same message again.
import { expect, recipient, test } from "./test";

test.use({ permissions: ["clipboard-read", "clipboard-write"] });

test.beforeEach(async ({ page }) => {
  // Other tests add accounts. With several, the verdict names the account of each SMS (accounts.spec.ts).
  const only = { name: "twilio", provider: "twilio", title: "Twilio", default: true };
  await page.route("**/v1/routes", (route) => route.fulfill({ json: { items: [only] } }));
});

test("the verdict says each SMS with its code explained, and is copied with the number, the id and the times", async ({
  page,
  api,
}) => {
  const rules = [await api.rule({ send_id: "ACME" }), await api.rule({ send_id: "ACME2" })];
  const to = recipient("19");
  const send = await api.send(await api.policy(rules), to);
  await page.goto(`sends/${send.id}`);
  await expect(page.getByRole("navigation", { name: "Path" }).getByRole("link", { name: "Sends" })).toBeVisible();
  const verdict = page.locator(".verdict");
  await expect(verdict.getByRole("heading")).toHaveText("Delivered by SMS from ACME2", { timeout: 20_000 });
  await expect(verdict).toContainText("The SMS from ACME failed at");
  await expect(verdict).toContainText("Twilio 30008: The carrier reports");
  await expect(verdict).toContainText("The SMS from ACME2 was delivered to the phone at");
  await expect(verdict.locator("time").first()).toHaveText(/[0-9:]{8} GMT.* \([0-9]+ s ago\)/);

  await page.getByRole("button", { name: "Copy summary" }).click();
  await expect(page.getByText("Copied")).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  for (const part of [to, send.id, "Meta 131026", "Twilio 30008", "Delivered by SMS from ACME2", "GMT", page.url()]) {
    expect(copied).toContain(part);
  }

  const row = page.getByRole("row").filter({ hasText: "30008" });
  await expect(row.getByText("ask Twilio's support")).toBeHidden();
  await row.getByText("30008", { exact: true }).click();
  await expect(row.getByText("ask Twilio's support")).toBeVisible();

  await page.getByRole("link", { name: "All sends to this number" }).click();
  await expect(page.getByRole("rowheader")).toHaveText([to]);
});

test("Send again asks once, and opens the new send", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const send = await api.send(policy);
  await page.goto(`sends/${send.id}`);
  await page.getByRole("button", { name: "Send again" }).click();
  const dialog = page.getByRole("dialog", { name: "Send again" });
  await expect(dialog).toContainText(policy.name);
  await dialog.getByRole("button", { name: "Send again" }).click();
  await expect(page).not.toHaveURL(new RegExp(send.id));
  await expect(page).toHaveURL(/\/sends\/[0-9a-f-]{36}$/);
  await expect(page.locator(".verdict")).toBeVisible();
});

test.describe("an answer to Send again that is lost", () => {
  test.use({ mayFail: /Failed to load resource/ });

  test("a second press of the same dialog repeats the request with its key", async ({ page, api }) => {
    const send = await api.send(await api.policy([await api.rule()]));
    const keys: (string | undefined)[] = [];
    await page.route("**/repeat", async (route) => {
      keys.push(route.request().headers()["idempotency-key"]);
      await (keys.length === 1 ? route.abort() : route.continue());
    });
    await page.goto(`sends/${send.id}`);
    await page.getByRole("button", { name: "Send again" }).click();
    const again = page.getByRole("dialog").getByRole("button", { name: "Send again" });
    await again.click();
    await expect(page.getByRole("alert").filter({ hasText: "cannot be reached" })).toBeVisible();
    await again.click();
    await expect(page).not.toHaveURL(new RegExp(send.id));
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
  });
});

test.describe("in Chinese, in a narrow window", () => {
  test.use({ locale: "zh-CN", viewport: { width: 390, height: 900 } });

  test("verdict and timeline have no English but names and quotes", async ({ page, api }) => {
    const send = await api.send(await api.policy([await api.rule()]), recipient("14"));
    await expect.poll(async () => (await api.get(send)).outcome, { timeout: 20_000 }).toBe("failed");
    await page.goto(`sends/${send.id}`);
    await expect(page.locator(".verdict h2")).toHaveText("未送达：WhatsApp 和短信都失败");
    for (const part of [".verdict", ".events"]) {
      const text = await page.locator(part).evaluate((element) => {
        const copy = element.cloneNode(true) as HTMLElement;
        for (const quote of copy.querySelectorAll("q")) quote.remove();
        return copy.textContent;
      });
      expect(text.replace(/WhatsApp|Meta|Twilio|ACME|GMT|SendID|ID|“[^”]*”/g, "")).not.toMatch(/[A-Za-z]{2}/);
    }
    await page.getByRole("button", { name: "更多" }).click();
    await expect(page.getByRole("menuitem", { name: "再次发送" })).toBeVisible();
  });
});
