import { answers, apiKey, consoleURL, expect, recipient, test } from "./test";

test.describe("without a session", () => {
  test.use({ signedIn: false, mayFail: answers(401) });

  test("a wrong key is refused, and the right key opens the requested page", async ({ page, context }) => {
    await page.goto("rules");
    const key = page.getByLabel("API key", { exact: true });
    await expect(key).toBeFocused();
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByText("Enter the API key")).toBeVisible();
    await key.fill("not the key of anything");
    await page.keyboard.press("Enter");
    await expect(page.getByText("This is not the API key of this installation")).toBeVisible();
    expect(await context.cookies()).toEqual([]);

    await key.fill(apiKey());
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Fallback Rule", level: 1 })).toBeVisible();
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", path: "/" });
    expect(cookie?.value).not.toContain(apiKey());
    expect(
      await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie),
    ).not.toContain(apiKey());
  });
});

test.describe("with a session", () => {
  test.use({ mayFail: answers(401) });

  test("signing out ends the session at the server too", async ({ page, context }) => {
    await page.goto("");
    const [cookie] = await context.cookies();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByLabel("API key", { exact: true })).toBeVisible();
    expect(await context.cookies()).toEqual([]);
    const again = await page.request.get(new URL("/v1/rules", consoleURL()).href, {
      headers: { Cookie: `${cookie?.name}=${cookie?.value}` },
    });
    expect(again.status()).toBe(401);
  });

  test("after the end of the session the page asks for the key, and continues", async ({ page, context }) => {
    await page.goto("");
    await expect(page.getByRole("heading", { name: "Overview", level: 1 })).toBeVisible();
    await page.waitForLoadState("networkidle"); // else a later request of the overview opens the dialog before the click
    await context.clearCookies();
    await page.getByRole("link", { name: "Fallback Policy" }).dispatchEvent("click"); // the dialog may be open already
    await page.getByLabel("API key", { exact: true }).fill(apiKey());
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Fallback Policy", level: 1 })).toBeVisible();
  });

  test("a send that met the end of the session goes out once, by itself, after the sign-in", async ({
    page,
    context,
    api,
  }) => {
    const policy = await api.policy([await api.rule()]);
    const to = recipient("01");
    await page.goto(`sends/new?policy=${policy.id}`);
    await page.getByLabel("Recipient").fill(to);
    await page.locator("#send_text").fill("Your parcel comes today.");
    await page.getByLabel("Text of the SMS").fill("Parcel today.");
    await context.clearCookies();
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("dialog", { name: "Sign in again" }).getByLabel("API key", { exact: true }).fill(apiKey());
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/sends\/[0-9a-f-]{36}$/);
    await page.goto(`sends?to=${encodeURIComponent(to)}`);
    await expect(page.getByRole("link", { name: to })).toHaveCount(1);
  });

  test("a draft survives a reload and a new sign-in, and no sign-out", async ({ page, context }) => {
    await page.goto("sends/new");
    await page.getByLabel("Recipient").fill("+447400123456");
    await page.getByLabel("Text of the SMS").fill("A draft of mine");
    await page.reload();
    await expect(page.getByText("This is your draft from before.")).toBeVisible();
    await expect(page.getByLabel("Text of the SMS")).toHaveValue("A draft of mine");
    await context.clearCookies();
    await page.reload();
    await page.getByLabel("API key", { exact: true }).fill(apiKey());
    await page.keyboard.press("Enter");
    await expect(page.getByLabel("Recipient")).toHaveValue("+447400123456");
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByLabel("API key", { exact: true })).toBeVisible();
    const stored = () => page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
    expect(await stored()).not.toMatch(/447400123456|draft of mine/);
    await page.getByLabel("API key", { exact: true }).fill(apiKey());
    await page.keyboard.press("Enter");
    await expect(page.getByLabel("Recipient")).toHaveValue("");
  });

  test("a sign-out removes the draft of another tab too", async ({ page, context }) => {
    await page.goto("sends/new");
    await page.getByLabel("Recipient").fill("+447400123456");
    const other = await context.newPage();
    await other.goto("rules");
    await other.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByLabel("API key", { exact: true })).toBeVisible();
    expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage }))).not.toContain("447400123456");
  });

  test("requests of another site are refused", async ({ page }) => {
    const answer = await page.request.post(new URL("/v1/rules", consoleURL()).href, {
      headers: { Origin: "https://elsewhere.example", "Sec-Fetch-Site": "cross-site" },
      data: { name: "Not ours", type: "undelivered", send_id: "EVIL" },
    });
    expect(answer.status()).toBe(403);
    expect(await answer.json()).toMatchObject({ code: "forbidden" });
  });
});

test("the language and the appearance outlast a reload", async ({ page }) => {
  await page.goto("rules");
  await page.getByRole("button", { name: /^Language/ }).click();
  await page.getByRole("menuitem", { name: "简体中文" }).click();
  await expect(page.getByRole("heading", { name: "回落规则", level: 1 })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "zh-CN");
  await page.getByRole("button", { name: /^外观/ }).click();
  await page.getByRole("menuitem", { name: "深色" }).click();
  await page.reload();
  await expect(page.getByRole("heading", { name: "回落规则", level: 1 })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

test("an unknown page links to the overview", async ({ page }) => {
  await page.goto("nowhere");
  await expect(page.getByRole("heading", { name: "Page not found" })).toBeVisible();
  await page.getByRole("link", { name: "To the overview" }).click();
  await expect(page.getByRole("heading", { name: "Overview", level: 1 })).toBeVisible();
});
