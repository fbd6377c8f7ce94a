import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page } from "@playwright/test";
import { answers, apiKey, expect, pick, test, unique } from "./test";

const dialogOf = (page: Page) => page.getByRole("dialog", { name: "Sending Policy Settings" });
const order = (page: Page) => dialogOf(page).getByRole("list", { name: "Rule Included" }).locator("strong");

async function include(page: Page, rule: string) {
  await dialogOf(page).getByLabel("Rule Included").last().fill(rule);
  await pick(page, rule, 1);
  await expect(order(page).filter({ hasText: rule })).toBeVisible();
}

test("a policy is added, put in order, edited and deleted", async ({ page, api }) => {
  const [soon, late] = [
    await api.rule({ type: "unread", wait_seconds: 60 }),
    await api.rule({ wait_seconds: 3600, send_id: "LATE" }),
  ];
  const name = unique("Delivery");
  await page.goto("policies");
  await page.getByRole("button", { name: "Add policy" }).first().click();
  const dialog = dialogOf(page);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(dialog.getByText("Enter a name")).toBeVisible();
  await expect(dialog.getByText("Include at least one rule")).toBeVisible();
  await dialog.getByLabel("Policy Name").fill(name);
  await include(page, late.name);
  await include(page, soon.name);
  await expect(order(page)).toHaveText([late.name, soon.name]);

  const picture = dialog.getByRole("figure", { name: "What happens, and when" });
  const inTime = picture.getByRole("region", { name: "In time" }).getByRole("listitem");
  await expect(inTime).toContainText(["Send by WhatsApp", "1 min", "1 h"]);
  const onFailure = picture.getByRole("region", { name: "On failure" }).getByRole("listitem");
  await expect(onFailure).toContainText([`SMS from LATE ${late.name}`, `SMS from ACME ${soon.name}`]);

  await dialog.getByRole("button", { name: `Move ${soon.name} up` }).click();
  await expect(order(page)).toHaveText([soon.name, late.name]);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByText(`The policy “${name}” is added`)).toBeVisible();

  await page.getByRole("button", { name: `Edit ${name}` }).click();
  await expect(order(page)).toHaveText([soon.name, late.name]);
  await dialog.getByRole("button", { name: `Remove ${soon.name}` }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  const row = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });
  await expect(row.getByRole("listitem")).toHaveText([late.name]);

  await page.getByRole("button", { name: `Delete ${name}` }).click();
  await page.getByRole("dialog", { name: "Delete policy" }).getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText(`The policy “${name}” is deleted`)).toBeVisible();
});

test("the keyboard and dragging change the order", async ({ page, api }) => {
  const rules = [await api.rule(), await api.rule(), await api.rule()];
  const names = rules.map((rule) => rule.name);
  const [first = "", second = "", third = ""] = names;
  const policy = await api.policy(rules);
  await page.goto(`policies?search=${encodeURIComponent(policy.name)}`);
  await page.getByRole("button", { name: `Edit ${policy.name}` }).click();
  await expect(order(page)).toHaveText(names);
  await expect(dialogOf(page).getByLabel("Policy Name")).toBeFocused(); // the dialog is open

  const handle = (name: string) => dialogOf(page).getByRole("button", { name: `Move ${name}`, exact: true });
  await handle(first).focus();
  await page.keyboard.press("Space");
  await expect(page.getByText(`${first} is over place 1 of 3.`)).toBeAttached();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByText(`${first} is over place 2 of 3.`)).toBeAttached();
  await page.keyboard.press("Space");
  await expect(order(page)).toHaveText([second, first, third]);

  const from = await handle(third).boundingBox();
  const to = await handle(second).boundingBox();
  if (!from || !to) {
    throw new Error("the handles are not shown");
  }
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(to.x + to.width / 2, to.y + to.height / 2 - 4, { steps: 12 });
  await page.mouse.up();
  await expect(order(page)).toHaveText([third, second, first]);
});

test("the policy's dialog adds a new rule", async ({ page }) => {
  const [name, rule] = [unique("Policy"), unique("Made here")];
  await page.goto("policies");
  await page.getByRole("button", { name: "Add policy" }).first().click();
  await dialogOf(page).getByLabel("Policy Name").fill(name);
  await dialogOf(page).getByRole("button", { name: "New rule" }).click();
  const dialog = page.getByRole("dialog", { name: "Sending Rule Settings" });
  await dialog.getByLabel("Rule Name").fill(rule);
  await dialog.getByLabel("SendID").fill("ACME");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(order(page)).toHaveText([rule]);
  await dialogOf(page).getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByRole("rowheader", { name, exact: true })).toBeVisible();
});

test("Enter in the search of the rules adds a rule that matches, or none", async ({ page, api }) => {
  const rule = await api.rule();
  await page.goto("policies");
  await page.getByRole("button", { name: "Add policy" }).first().click();
  const search = dialogOf(page).getByLabel("Rule Included").last();
  const options = page.locator(".ant-select-dropdown:not(.ant-select-dropdown-hidden) .ant-select-item-option");
  await search.click();
  await expect(options.first()).toBeVisible(); // all rules
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(/v1\/rules\?.*search=/, async (route) => {
    await released;
    await route.continue();
  });
  await search.fill(rule.name);
  await expect(options).toHaveCount(0); // no rules of the earlier search
  await expect(page.getByText("Searching …")).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(order(page)).toHaveCount(0);
  await expect(search).toHaveValue(rule.name);
  release();
  await expect(options).toContainText([rule.name]);
  await page.keyboard.press("Enter");
  await expect(order(page)).toHaveText([rule.name]);
});

test("Enter adds a policy, and the focus returns to the button", async ({ page, api }) => {
  const rule = await api.rule();
  const name = unique("By Enter");
  await page.goto("policies");
  const add = page.getByRole("button", { name: "Add policy" }).first();
  await add.click();
  await include(page, rule.name);
  await dialogOf(page).getByLabel("Policy Name").fill(name);
  await page.keyboard.press("Enter");
  await expect(page.getByText(`The policy “${name}” is added`)).toBeVisible();
  await expect(dialogOf(page)).toBeHidden();
  await expect(add).toBeFocused();
});

test("Esc asks before it drops an order that has changed, and closes one dialog at a time", async ({ page, api }) => {
  const rules = [await api.rule(), await api.rule()];
  const policy = await api.policy(rules);
  await page.goto(`policies?search=${encodeURIComponent(policy.name)}`);
  await page.getByRole("button", { name: `Edit ${policy.name}` }).click();
  const dialog = dialogOf(page);
  const question = page.getByRole("dialog", { name: "Discard your changes?" });
  await dialog.getByRole("button", { name: "New rule" }).click();
  const rule = page.getByRole("dialog", { name: "Sending Rule Settings" });
  await expect(rule.getByLabel("Rule Name")).toBeFocused();
  await page.keyboard.press("Escape"); // nothing was typed
  await expect(rule).toBeHidden();
  await expect(dialog.getByRole("button", { name: "New rule" })).toBeFocused();

  await dialog.getByRole("button", { name: `Move ${rules[1]?.name} up` }).click();
  await page.keyboard.press("Escape");
  await expect(question).toBeVisible();
  await page.keyboard.press("Escape"); // keeps the changes
  await expect(question).toBeHidden();
  await expect(order(page)).toHaveText([rules[1]?.name ?? "", rules[0]?.name ?? ""]);

  await dialog.getByRole("button", { name: `Move ${rules[0]?.name} up` }).click(); // the order is as it was
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("button", { name: `Edit ${policy.name}` })).toBeFocused();
});

test.describe("what the API refuses", () => {
  test.use({ mayFail: answers(409, 412) });

  test("the version that somebody else saved is shown, and a name that is in use is refused", async ({ page, api }) => {
    const [mine, theirs] = [await api.rule(), await api.rule()];
    const policy = await api.policy([mine]);
    const other = await api.policy([mine]);
    await page.goto(`policies?search=${encodeURIComponent(policy.name)}`);
    await page.getByRole("button", { name: `Edit ${policy.name}` }).click();
    const dialog = dialogOf(page);
    await api.replacePolicy(policy, [theirs]);
    await dialog.getByLabel("Policy Name").fill(other.name);
    await dialog.getByRole("button", { name: "Save" }).click();
    const conflict = page.getByRole("dialog", { name: "Somebody else changed it while you were editing" });
    await expect(conflict.getByRole("group", { name: "Rule Included" })).toContainText(theirs.name);
    await conflict.getByRole("button", { name: "Keep my version, overwrite theirs on save" }).click();
    await expect(conflict).toBeHidden();
    await dialog.getByRole("button", { name: "Save" }).click();
    await expect(dialog.locator(".ant-form-item-explain-error")).toContainText(/name/);
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await expect(dialog).toBeHidden();
  });
});

test("the picker shows the facts of a rule below its name", async ({ page, api }) => {
  const rule = await api.rule({ type: "unread", wait_seconds: 30, countries: ["GB"] });
  await page.goto("policies");
  await page.getByRole("button", { name: "Add policy" }).first().click();
  await dialogOf(page).getByLabel("Rule Included").last().fill(rule.name);
  const options = page.locator(".ant-select-dropdown:not(.ant-select-dropdown-hidden) .ant-select-item-option");
  await expect(options).toHaveText([`${rule.name}Unread, 30 s, ACME, GB`]);
});

test("a policy has a page with its rules, its sends and a command that sends by it", async ({ page, api }) => {
  const [first, second] = [await api.rule({ type: "unread", wait_seconds: 2 }), await api.rule({ send_id: "SPARE" })];
  const policy = await api.policy([first, second]);
  await page.goto(`policies?search=${encodeURIComponent(policy.name)}`);
  await page.getByRole("rowheader").getByRole("link", { name: policy.name }).click();
  await expect(page).toHaveURL(new RegExp(`/policies/${policy.id}$`));
  await expect(page.getByRole("heading", { level: 1, name: policy.name })).toBeVisible();
  await expect(page.getByRole("main").getByRole("link", { name: first.name })).toHaveAttribute(
    "href",
    new RegExp(`/rules/${first.id}$`),
  );
  await expect(page.getByRole("link", { name: "Send a test" })).toHaveAttribute(
    "href",
    new RegExp(`/sends/new\\?policy=${policy.id}$`),
  );

  const command = await page.locator("pre").textContent();
  const { stdout } = await promisify(execFile)("sh", ["-c", command ?? ""], {
    env: { ...process.env, BACKSTOP_API_KEY: apiKey() },
  });
  const send = JSON.parse(stdout) as { id: string };
  await page.getByRole("link", { name: "Sends by this policy" }).click();
  await page.getByRole("link", { name: "+447400123456" }).click();
  await expect(page).toHaveURL(new RegExp(`/sends/${send.id}$`));

  await page.goto(`policies/${policy.id}`);
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  await dialogOf(page)
    .getByRole("button", { name: `Remove ${second.name}` })
    .click();
  await dialogOf(page).getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("main").getByRole("link", { name: second.name })).toHaveCount(0);
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog", { name: "Delete policy" }).getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/policies$/);
});

test("the list sorts and filters by the rules of a policy, and a policy of ten rules has one line", async ({
  page,
  api,
}) => {
  const base = unique("Listed");
  const everywhere = await api.rule();
  const french = await api.rule({ type: "unread", send_id: "Francais", countries: ["FR"] });
  await api.policy([french], `${base} b`);
  await api.policy([everywhere, french], `${base} A`);
  const ten = [];
  for (let i = 0; i < 10; i++) {
    ten.push(await api.rule());
  }
  await api.policy(ten, `${base} c`);
  const names = page.getByRole("rowheader");
  await page.goto(`policies?search=${encodeURIComponent(base)}`);
  await expect(names).toHaveText([`${base} c`, `${base} A`, `${base} b`]);
  await expect(page.getByRole("main").getByRole("status")).toHaveText("3 policies");
  for (const row of await page.locator("tbody tr.ant-table-row").all()) {
    expect((await row.boundingBox())?.height).toBeCloseTo(40, 0);
  }
  await expect(page.getByRole("row").filter({ hasText: `${base} c` })).toContainText("7 more");
  await page.getByRole("columnheader", { name: "Policy Name" }).click();
  await expect(names).toHaveText([`${base} A`, `${base} b`, `${base} c`]);
  await page.getByLabel("SendID", { exact: true }).fill("Francais");
  await pick(page, "Francais");
  await expect(names).toHaveText([`${base} A`, `${base} b`]);
  await page.getByLabel("Applies in").fill("Ireland");
  await pick(page, "Ireland", 1);
  await expect(names).toHaveText([`${base} A`]);
  await expect(page).toHaveURL(/sender=Francais&country=IE/);
});
