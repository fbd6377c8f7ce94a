// The list of sends as a tool: its address, the presets of time, all filters, the total, the order, the file, and its empty states.
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { answers, expect, pick, recipient, test } from "./test";

const rows = (page: Page) => page.getByRole("rowheader");
const chips = (page: Page) => page.getByRole("list", { name: "Filters" }).getByRole("listitem");

/** addFilter adds the field of a filter from the menu. The field has the focus then. */
async function addFilter(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Add filter" }).click();
  await page.getByRole("menuitem", { name, exact: true }).click();
}

test("several outcomes are one filter, and chips remove one filter or all", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const [read, fallen, waiting] = [recipient("01"), recipient("04"), recipient("03")];
  const [one, two] = [await api.send(policy, read), await api.send(policy, fallen)];
  await api.send(policy, waiting);
  await expect.poll(async () => (await api.get(one)).outcome, { timeout: 20_000 }).toBe("whatsapp");
  await expect.poll(async () => (await api.get(two)).outcome, { timeout: 20_000 }).toBe("sms");

  await page.goto(`sends?policy=${policy.id}&range=hour`);
  await expect(rows(page)).toHaveText([waiting, fallen, read]);
  await page.getByLabel("Outcome", { exact: true }).click();
  await pick(page, "By WhatsApp");
  await pick(page, "By SMS");
  await page.keyboard.press("Escape");
  await expect(rows(page)).toHaveText([fallen, read]);
  await expect(page).toHaveURL(/outcome=whatsapp%2Csms/);
  await page.reload();
  await expect(rows(page)).toHaveText([fallen, read]);
  await expect(page.getByRole("status").filter({ hasText: /^2 sends$/ })).toBeVisible();
  await expect(chips(page)).toHaveText([
    "Accepted: Last hour",
    "Outcome: By WhatsApp or By SMS",
    `Policy: ${policy.name}`,
  ]);

  await page.getByRole("button", { name: /^Remove the filter Outcome/ }).click();
  await expect(rows(page)).toHaveCount(3);
  await expect(chips(page)).toHaveCount(2);
  await expect(page.getByRole("button", { name: /^Remove the filter Policy/ })).toBeFocused(); // the next chip
  await page.getByRole("button", { name: "Clear all" }).click();
  await expect(chips(page)).toHaveCount(0);
  await expect(page).toHaveURL(/\/sends$/);
});

test("a preset of time stays relative in the address, and bounds of one's own do not", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const to = recipient("01");
  await api.send(policy, to);
  await page.goto(`sends?policy=${policy.id}`);
  const asked = page.waitForRequest(/v1\/sends\?.*from=/);
  await page.getByLabel("Time", { exact: true }).click();
  await pick(page, "Last 15 minutes");
  const from = new URL((await asked).url()).searchParams.get("from") ?? "";
  expect(Math.abs(Date.now() - Date.parse(from) - 15 * 60_000)).toBeLessThan(30_000);
  await expect(page).toHaveURL(/range=15min/);
  await expect(page).not.toHaveURL(/from=/);
  await expect(rows(page)).toHaveText([to]);

  await page.getByLabel("Time", { exact: true }).click();
  await pick(page, "Yesterday");
  await expect(page.getByText("No sends match these filters")).toBeVisible();
  await expect(page.getByText(`Looked for: Accepted: Yesterday, Policy: ${policy.name}.`)).toBeVisible();
  await page.getByRole("button", { name: "Search all times" }).click();
  await expect(rows(page)).toHaveText([to]);

  const hour = 3_600_000;
  const [begin, end] = [new Date(Date.now() - hour).toISOString(), new Date(Date.now() + hour).toISOString()];
  await page.goto(`sends?policy=${policy.id}&from=${begin}&until=${end}`); // as the overview links here
  await expect(rows(page)).toHaveText([to]);
  await expect(chips(page).first()).toContainText("Accepted: ");
  await expect(page.getByLabel("Accepted between").first()).toBeVisible();
  await page.goto(`sends?policy=${policy.id}&until=${begin}`);
  await expect(page.getByText("No sends match these filters")).toBeVisible();
});

test("the other filters are added from a menu", async ({ page, api }) => {
  const rule = await api.rule({ send_id: "Shop" });
  const policy = await api.policy([rule]);
  const [failed, read] = [recipient("04"), recipient("01")];
  const [one, two] = [await api.send(policy, failed), await api.send(policy, read)];
  await expect.poll(async () => (await api.get(one)).outcome, { timeout: 20_000 }).toBe("sms");
  await expect.poll(async () => (await api.get(two)).outcome, { timeout: 20_000 }).toBe("whatsapp");
  await page.goto(`sends?policy=${policy.id}`);
  await expect(rows(page)).toHaveCount(2);

  for (const [name, value, option, chip] of [
    ["Reason", undefined, "WhatsApp failed permanently", "Reason: WhatsApp failed permanently"],
    ["SMS result", undefined, "Delivered", "SMS result: Delivered"],
    ["Rule type", undefined, "Undelivered", "Rule type: Undelivered"],
    ["Rule fired", rule.name, undefined, `Rule fired: ${rule.name}`],
    ["SMS sender", "Shop", undefined, "SMS sender: Shop"],
    ["Error code", "131026", undefined, "Error code: 131026"],
  ] as const) {
    await addFilter(page, name);
    const field = page.getByRole("combobox", { name, exact: true });
    await expect(field).toBeFocused();
    if (value) {
      await page.keyboard.type(value);
      await page.keyboard.press("Enter");
    } else {
      await pick(page, option ?? "");
      await page.keyboard.press("Escape");
    }
    await expect(chips(page).filter({ hasText: chip }), chip).toHaveCount(1);
    await expect(rows(page), name).toHaveText([failed]);
    await page.getByRole("button", { name: `Remove the filter ${chip}` }).click();
    await expect(field).toHaveCount(0);
    await expect(rows(page)).toHaveCount(2);
  }
  await addFilter(page, "Country");
  await page.keyboard.type("Germany");
  await page.keyboard.press("Enter");
  await expect(page.getByText("No sends match these filters")).toBeVisible();
  await expect(chips(page).filter({ hasText: "Country: Germany" })).toHaveCount(1);
  await page.getByRole("button", { name: "Remove the filter Country: Germany" }).click();

  await addFilter(page, "Duplicate delivery"); // needs no value
  await expect(chips(page).filter({ hasText: "Duplicate delivery" })).toHaveCount(1);
  await expect(page.getByText("No sends match these filters")).toBeVisible();
  await page.goto(`sends?policy=${policy.id}&fell_back=false`);
  await expect(chips(page).filter({ hasText: "Did not fall back" })).toHaveCount(1);
  await expect(rows(page)).toHaveText([read]);
});

test("the list counts its sends, has two orders, and its columns and rows stay where they are", async ({
  page,
  api,
}) => {
  const policy = await api.policy([await api.rule()]);
  const first = recipient("01");
  await api.send(policy, first);
  await Promise.all(Array.from({ length: 52 }, () => api.send(policy)));
  const last = recipient("04");
  await api.send(policy, last);
  await page.goto(`sends?policy=${policy.id}`);
  await expect(page.getByRole("status").filter({ hasText: /^54 sends$/ })).toBeVisible();
  await expect(rows(page).first()).toHaveText(last);
  const places = () =>
    page.locator("thead th").evaluateAll((heads) => heads.map((head) => Math.round(head.getBoundingClientRect().x)));
  const before = await places();
  const heights = await page
    .locator("tbody tr[data-row-key]")
    .evaluateAll((all) => all.map((row) => row.getBoundingClientRect().height));
  expect(new Set(heights.map(Math.round))).toEqual(new Set([40]));

  await page.getByRole("columnheader", { name: "Accepted" }).click();
  await expect(page).toHaveURL(/order=oldest/);
  await expect(rows(page).first()).toHaveText(first);
  expect(await places()).toEqual(before);
  await page.getByRole("button", { name: "Next" }).click();
  await expect(rows(page)).toHaveCount(4);
  await expect(rows(page).last()).toHaveText(last);
  await expect(page.getByRole("status").filter({ hasText: /^54 sends$/ })).toBeVisible();
  expect(await places()).toEqual(before);
  await page.reload();
  await expect(rows(page)).toHaveCount(4);
  await page.getByRole("columnheader", { name: "Accepted" }).click(); // a new order begins at page 1
  await expect(rows(page)).toHaveCount(50);
  await expect(rows(page).first()).toHaveText(last);
});

test("a list of very many sends says so", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await Promise.all(Array.from({ length: 51 }, () => api.send(policy)));
  await page.route(/v1\/sends\?.*total=true/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({
      response: answer,
      json: { ...(await answer.json()), total: { count: 10_000, is_exact: false } },
    });
  });
  await page.goto(`sends?policy=${policy.id}`);
  await expect(page.getByText("More than 10,000 sends")).toBeVisible();
});

test("the CSV file has all sends of the filter", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await Promise.all(Array.from({ length: 60 }, () => api.send(policy)));
  const fallen = recipient("04");
  const send = await api.send(policy, fallen);
  await expect.poll(async () => (await api.get(send)).outcome, { timeout: 20_000 }).toBe("sms");
  for (const [filter, lines] of [
    [`policy=${policy.id}&range=hour`, 62],
    [`policy=${policy.id}&outcome=sms%2Cfailed`, 2],
  ] as const) {
    await page.goto(`sends?${filter}`);
    await expect(rows(page).first()).toBeVisible();
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download as CSV" }).click(),
    ]);
    expect(file.suggestedFilename()).toMatch(/\.csv$/);
    const text = await readFile(await file.path(), "utf8");
    expect(text.trim().split("\r\n").length, filter).toBe(lines);
    expect(text).toContain(send.id);
  }
});

test.describe("a wrong filter in the address", () => {
  test.use({ mayFail: answers(400, 422) });

  for (const [wrong, field] of [
    ["outcome=lost", "outcome"],
    ["range=fortnight", "from"],
    ["fell_back=maybe", "fell_back"],
    ["to_ends=12", "to_ends"],
  ] as const) {
    test(`${wrong} is named, and can be removed alone`, async ({ page, api }) => {
      const policy = await api.policy([await api.rule()]);
      const to = recipient("01");
      await api.send(policy, to);
      await page.goto(`sends?policy=${policy.id}&${wrong}`);
      await expect(page.getByRole("alert").filter({ hasText: field })).toBeVisible();
      await page.getByRole("button", { name: "Remove the wrong filter" }).click();
      await expect(rows(page)).toHaveText([to]);
      await expect(page).toHaveURL(new RegExp(`/sends\\?policy=${policy.id}$`));
    });
  }

  test("a cursor that is wrong leads to the first page", async ({ page, api }) => {
    const policy = await api.policy([await api.rule()]);
    const to = recipient("01");
    await api.send(policy, to);
    await page.goto(`sends?policy=${policy.id}&cursor=nonsense`);
    await expect(page.getByRole("alert").filter({ hasText: "cursor" })).toBeVisible();
    await page.getByRole("button", { name: "First page" }).click();
    await expect(rows(page)).toHaveText([to]);
  });
});

test("without any sends the list leads to the first one", async ({ page }) => {
  await page.route(/v1\/sends(\?|$)/, (route) => route.fulfill({ json: { items: [] } })); // as after the installation
  await page.goto("sends");
  await expect(page.getByText("No sends yet")).toBeVisible();
  await page.getByRole("main").getByRole("link", { name: "Send a test" }).click(); // the program's providers are simulated
  await expect(page.getByRole("heading", { name: "New send", level: 1 })).toBeVisible();
});

test("page 1 updates itself", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await page.goto(`sends?policy=${policy.id}`);
  await expect(page.getByText("No sends match these filters")).toBeVisible();
  const to = recipient("01");
  await api.send(policy, to);
  await expect(rows(page)).toHaveText([to]);
});
