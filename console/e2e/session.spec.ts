import { answers, apiKey, consoleURL, expect, test } from "./test";

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
    await context.clearCookies();
    await page.getByRole("link", { name: "Fallback Policy" }).click();
    await page.getByLabel("API key", { exact: true }).fill(apiKey());
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { name: "Fallback Policy", level: 1 })).toBeVisible();
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
