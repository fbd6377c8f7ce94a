// The search in the header: what it finds, by the keyboard alone, and what it says when there is nothing.
import type { Page } from "@playwright/test";
import { expect, recipient, test, unique } from "./test";

const field = (page: Page) => page.getByRole("combobox", { name: "Search" });
const options = (page: Page) => page.getByRole("listbox", { name: "Results" }).getByRole("option");

test("/ opens the search as soon as it is loaded", async ({ page }) => {
  let load = () => {};
  const wanted = new Promise<void>((resolve) => {
    load = resolve;
  });
  await page.route(/\/HeaderSearch-[^/]*\.js$/, async (route) => {
    await wanted;
    await route.continue();
  });
  await page.goto("sends");
  await expect(page.getByRole("heading", { name: "Sends", level: 1 })).toBeVisible();
  await page.keyboard.press("/");
  load();
  await expect(field(page)).toBeFocused();
});

test("/ and Ctrl-K focus the search, but / is typed in a field", async ({ page, api }) => {
  const rule = await api.rule();
  await page.goto("sends");
  await expect(field(page)).toBeVisible(); // it loads after the page
  await page.keyboard.press("/");
  await expect(field(page)).toBeFocused();
  await expect(field(page)).toHaveValue("");
  await expect(page.getByText("sends by the message id of WhatsApp or the SMS provider")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(field(page)).not.toBeFocused();
  await expect(field(page)).toHaveAttribute("aria-expanded", "false");

  await page.getByLabel("Recipient", { exact: true }).focus();
  await page.keyboard.press("/");
  await expect(page.getByLabel("Recipient", { exact: true })).toHaveValue("/");
  await page.keyboard.press("Control+k");
  await expect(field(page)).toBeFocused();

  await page.goto(`rules?search=${encodeURIComponent(rule.name)}`);
  await page.getByRole("button", { name: `Delete ${rule.name}` }).click();
  await page.getByRole("dialog").getByRole("button").first().focus();
  await page.keyboard.press("Control+k"); // a dialog keeps the focus
  await expect(field(page)).not.toBeFocused();
});

test("a number is found as people write it, and the last row has all of its sends", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const to = recipient("01");
  const first = await api.send(policy, to);
  const second = await api.send(policy, to);
  await api.send(policy);
  const national = to.slice(3);
  await page.goto("");
  for (const written of [to, `0044 ${national}`, `0${national.slice(0, 4)} ${national.slice(4)}`, national.slice(-8)]) {
    await page.keyboard.press("Control+k");
    await field(page).fill(written);
    await expect(options(page)).toHaveCount(3);
    await expect(options(page).first()).toContainText(to);
    await expect(options(page).first()).toContainText(policy.name);
    await expect(options(page).last()).toContainText("All sends to");
  }
  // By the keyboard: the newest send is first; the row above the first is the last.
  await expect(options(page).first()).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("ArrowDown");
  await expect(options(page).nth(1)).toHaveAttribute("aria-selected", "true");
  const active = await field(page).getAttribute("aria-activedescendant");
  await expect(options(page).nth(1)).toHaveAttribute("id", active ?? "none");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/sends/${first.id}$`));
  await expect(options(page)).toHaveCount(0);

  await page.keyboard.press("/");
  await field(page).fill(national);
  await expect(options(page)).toHaveCount(3);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/sends/${second.id}$`));

  await page.keyboard.press("/");
  await field(page).fill(national);
  await expect(options(page)).toHaveCount(3);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("rowheader")).toHaveText([to, to]);
  await expect(page.getByRole("list", { name: "Filters" })).toContainText(`ends with ${national}`);
});

test("an id and Enter open the send, also before the answer is there", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const send = await api.send(policy);
  await expect.poll(async () => (await api.get(send)).attempts[0]?.message_id).toBeTruthy();
  const message = (await api.get(send)).attempts[0]?.message_id ?? "";
  for (const text of [send.id, message, send.id.toUpperCase()]) {
    await page.goto("policies");
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await page.keyboard.press("/");
    await field(page).fill(text);
    await page.keyboard.press("Enter"); // within the pause of the search
    await expect(page, text).toHaveURL(new RegExp(`/sends/${send.id}$`));
  }
});

test("rules and policies are found by a part of their name", async ({ page, api }) => {
  const name = unique("Winter parcels");
  const rule = await api.rule({ name: `${name} rule` });
  const policy = await api.policy([rule], `${name} policy`);
  await page.goto("sends");
  await page.getByRole("combobox", { name: "Search" }).fill(name.toLowerCase());
  await expect(page.getByRole("group", { name: "Fallback Rule" }).getByRole("option")).toContainText([rule.name]);
  const found = page.getByRole("group", { name: "Fallback Policy" }).getByRole("option");
  await expect(found).toContainText([policy.name]);
  await expect(found).toHaveAttribute("href", new RegExp(`/policies/${policy.id}$`)); // it can open in a new tab
  await found.click();
  await expect(page).toHaveURL(new RegExp(`/policies/${policy.id}`));
});

test("the search says that there is nothing, and what can be found", async ({ page }) => {
  await page.goto("sends");
  await field(page).fill("no such thing at all");
  await expect(page.getByRole("status").filter({ hasText: "Nothing found for “no such thing at all”" })).toBeVisible();
  await expect(page.getByText("rules and policies by a part of their name")).toBeVisible();
  await page.keyboard.press("Enter"); // goes nowhere
  await expect(page).toHaveURL(/\/sends$/);
  await field(page).fill("345");
  await expect(page.getByText("To find a number, enter at least its last 4 digits.")).toBeVisible();
});

test("a late answer never replaces a newer one, and its request is cancelled", async ({ page, api }) => {
  const [old, next] = [unique("Old name"), unique("Next name")];
  await api.rule({ name: old });
  await api.rule({ name: next });
  await page.goto("sends");
  const cancelled = page.waitForEvent("requestfailed", (request) => request.url().includes("q=Old"));
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(/v1\/search\?q=Old/, async (route) => {
    const answer = await route.fetch();
    await released;
    await route.fulfill({ response: answer }).catch(() => {}); // the page has given it up
  });
  const asked = page.waitForRequest(/v1\/search\?q=Old/);
  await field(page).fill(old);
  await asked;
  await field(page).fill(next);
  await expect(options(page)).toContainText([next]);
  release();
  await cancelled;
  await expect(options(page)).toContainText([next]);
  await expect(options(page)).toHaveCount(1);
});

test("a word typed in a row is one request", async ({ page, api }) => {
  const name = unique("Typed");
  await api.rule({ name });
  await page.clock.install();
  await page.goto("sends");
  await field(page).focus();
  const asked: string[] = [];
  page.on("request", (request) => request.url().includes("/v1/search") && asked.push(request.url()));
  await page.clock.pauseAt(Date.now() + 10_000); // a slow browser makes no pause between two letters
  await field(page).pressSequentially(name);
  await page.clock.resume();
  await expect(options(page)).toContainText([name]);
  expect(asked).toHaveLength(1);
});

test.describe("at 390 px", () => {
  test.use({ viewport: { width: 390, height: 844 } });

  test("an icon opens the search over the whole width", async ({ page, api }) => {
    const policy = await api.policy([await api.rule()]);
    const to = recipient("01");
    const send = await api.send(policy, to);
    await page.goto("rules");
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await expect(field(page)).toBeFocused();
    await field(page).fill(to.slice(-8));
    await expect(options(page)).toHaveCount(2);
    for (const option of await options(page).all()) {
      const box = await option.boundingBox();
      expect(box?.height).toBeGreaterThanOrEqual(44);
      expect(box?.width).toBeGreaterThanOrEqual(340);
    }
    await options(page).first().click();
    await expect(page).toHaveURL(new RegExp(`/sends/${send.id}$`));
    await expect(page.getByRole("dialog")).toHaveCount(0);
  });
});
