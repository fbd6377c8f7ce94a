import type { Page } from "@playwright/test";
import { answers, expect, pick, recipient, test } from "./test";

async function choosePolicy(page: Page, name: string) {
  await page.getByLabel("Policy").fill(name);
  await pick(page, name, 1);
}

test("a new send shows its progress until its fallback without a reload", async ({ page, api }) => {
  const rule = await api.rule({ type: "unread", wait_seconds: 6, send_id: "ACME" });
  const policy = await api.policy([rule]);
  await page.goto("sends");
  await page.getByRole("link", { name: "New send" }).first().click();
  await expect(page.getByRole("heading", { name: "New send", level: 1 })).toBeVisible();
  await page.getByLabel("Recipient").fill(recipient("02"));
  await page.getByLabel("Text", { exact: true }).nth(-1).fill("Your parcel comes today.");
  await choosePolicy(page, policy.name);
  await page.getByLabel("Text of the SMS").fill("Your parcel comes today. 🎁");
  const plan = page.getByRole("figure", { name: "What happens, and when" });
  await expect(plan).toContainText("Not read: SMS from ACME");
  await expect(page.getByText("United Kingdom")).toBeVisible();
  await expect(page.getByText("UCS-2, 27 characters, 1 segment")).toBeVisible();
  await page.getByRole("button", { name: "Send", exact: true }).click();

  await expect(page).toHaveURL(/\/sends\/[0-9a-f-]{36}$/);
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  await expect(page.getByText("Live: this page updates itself.")).toBeVisible();
  await expect(page.getByRole("timer")).toContainText(`“${rule.name}” fires in`);
  const timeline = page.locator(".events");
  await expect(timeline).toContainText("WhatsApp · Sent");
  await expect(timeline).toContainText("WhatsApp · Delivered");
  const verdict = page.locator(".verdict");
  await expect(verdict).toContainText("If the message is not read by");
  await expect(verdict).toContainText("was delivered to the phone", { timeout: 20_000 });
  await expect(verdict.getByRole("heading")).toHaveText("Delivered by WhatsApp, and by SMS too");
  await expect(verdict).toContainText(`Rule “${rule.name}” sent the SMS because the message was not read`);
  await expect(timeline).toContainText(`rule “${rule.name}” · not read within 6 s · from ACME`);
  await expect(timeline).toContainText("SMS · Delivered");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("By SMS");
  await expect(page.getByRole("timer")).toBeHidden();
  await expect(page.getByRole("rowheader", { name: "SMS from ACME by Twilio" })).toBeVisible();
  expect(await page.evaluate(() => "sameDocument" in window)).toBe(true);

  const run = page.getByRole("link", { name: "Run in Temporal" });
  const address = (await run.getAttribute("href")) ?? "";
  const id = page.url().split("/").at(-1);
  expect(address).toContain(`/workflows/send%2F${id}`);
  expect((await page.request.get(address)).status()).toBe(200);
});

test("each field of a new send shows what is wrong", async ({ page }) => {
  await page.goto("sends/new");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  for (const reason of [
    "Enter the recipient's number",
    "Enter the text",
    "Choose a policy",
    "Enter the text of the SMS",
  ]) {
    await expect(page.locator(".ant-form-item-explain-error").getByText(reason, { exact: true })).toBeVisible();
  }
  await expect(page.getByText("Not sent: some fields are not valid yet.")).toBeVisible();
  await page.getByLabel("Recipient").fill("07400 123456");
  await expect(page.getByText("A number in E.164 form")).toHaveCount(2); // at the field, and in the place of the plan
  await expect(page.getByText("Not sent: some fields are not valid yet.")).toBeHidden(); // until the next try
  await page.getByRole("radio", { name: "Template" }).check();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.locator(".ant-form-item-explain-error").getByText("Choose a template")).toBeVisible();
  await page.getByRole("button", { name: "Change the rules for this send only" }).click();
  await page.getByLabel("SendID").fill("12");
  await expect(page.getByText("1 to 11 letters, digits")).toBeVisible();
});

test.describe("what the API refuses", () => {
  test.use({ mayFail: answers(422) });

  test("the API's reason appears at its field", async ({ page, api }) => {
    const policy = await api.policy([await api.rule({ countries: ["US"] })]);
    await page.goto(`sends/new?policy=${policy.id}`);
    await page.getByLabel("Recipient").fill(recipient("01"));
    await expect(page.getByRole("alert").first()).toContainText("no rule");
    await page.getByLabel("Text", { exact: true }).nth(-1).fill("Hello");
    await page.getByLabel("Text of the SMS").fill("Hello");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await expect(page.locator(".ant-form-item-explain-error").first()).toContainText("no rule");
    await expect(page).toHaveURL(/sends\/new/);
  });
});

test("warnings appear before the send", async ({ page, api }) => {
  const rules = [
    await api.rule({ type: "undelivered", wait_seconds: 60, send_id: "ACME" }),
    await api.rule({ type: "unread", wait_seconds: 90, send_id: "ACME" }),
  ];
  const policy = await api.policy(rules);
  await page.goto(`sends/new?policy=${policy.id}`);
  await page.getByLabel("Recipient").fill("+14365550143");
  for (const warning of [
    "both messages may arrive",
    "a reader who has turned read receipts off looks unread",
    "United States accepts no alphanumeric SendID",
    "The recipient's number may be wrong",
  ]) {
    await expect(page.getByText(warning)).toBeVisible();
  }
});

test.describe("a number with a trunk digit", () => {
  test.use({ mayFail: answers(422) });

  test("the refusal names the number that was probably meant", async ({ page, api }) => {
    const policy = await api.policy([await api.rule()]);
    await page.goto(`sends/new?policy=${policy.id}`);
    await page.getByLabel("Recipient").fill("+44 07400 123402");
    await expect(page.getByRole("alert").first()).toContainText("did you mean +447400123402?");
  });

  test.describe("in Chinese", () => {
    test.use({ locale: "zh-CN" });

    test("the refusal and the warnings are in Chinese", async ({ page, api }) => {
      const policy = await api.policy([await api.rule({ type: "undelivered", wait_seconds: 60 })]);
      await page.goto(`sends/new?policy=${policy.id}`);
      await page.getByLabel("接收号码").fill("+44 07400 123402");
      const refusal = page.getByRole("alert").first();
      await expect(refusal).toContainText("是否应为 +447400123402？");
      await expect(refusal).toContainText("有些值无效。");
      await expect(refusal).not.toContainText(/did you mean|not valid/);
      await page.getByLabel("接收号码").fill("+44 7400 123402");
      await expect(page.getByText(/等待 1 分钟，而 WhatsApp 最长会尝试 30 天/)).toBeVisible();
    });
  });
});

test("the list has filters and pages", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const to = recipient("04");
  const failed = await api.send(policy, to);
  await expect.poll(async () => (await api.get(failed)).outcome).toBe("sms");
  await Promise.all(Array.from({ length: 55 }, () => api.send(policy)));

  await page.goto(`sends?policy=${policy.id}`);
  const rows = page.getByRole("rowheader");
  await expect(rows).toHaveCount(50);
  const refresh = page.waitForRequest(/v1\/sends\?/);
  const release = await hold(page, /v1\/sends\?/);
  await refresh;
  await page.getByRole("button", { name: "Next" }).click(); // while the list refreshes itself
  release();
  await expect(rows).toHaveCount(6);
  await expect(page.getByRole("button", { name: "Next" })).toBeDisabled();
  await page.getByRole("button", { name: "Previous" }).click();
  await expect(rows).toHaveCount(50);

  await page.getByLabel("Recipient", { exact: true }).fill(to);
  await page.keyboard.press("Enter");
  await expect(rows).toHaveText([to]);
  await page.getByLabel("Outcome", { exact: true }).click();
  await pick(page, "Failed");
  await page.keyboard.press("Escape"); // several can be chosen, so the list stays open
  await expect(page.getByText("No sends match these filters")).toBeVisible();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await expect(rows).toHaveCount(50);
  await expect(page).toHaveURL(/\/sends$/);
  await page.getByLabel("Recipient", { exact: true }).fill(to);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: to }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(to);
  await expect(page.getByText("131026").first()).toBeVisible();
});

test("page 2 is still page 2 after a send and Back", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await Promise.all(Array.from({ length: 52 }, () => api.send(policy)));
  await page.goto(`sends?policy=${policy.id}`);
  const rows = page.getByRole("rowheader");
  await page.getByRole("button", { name: "Next" }).click();
  await expect(rows).toHaveCount(2);
  const texts = await rows.allInnerTexts();
  await rows.first().getByRole("link").click();
  await expect(page.getByText("Live: this page updates itself.")).toBeVisible();
  await page.goBack();
  await expect(rows).toHaveText(texts);
  await page.reload();
  await expect(page.getByText("Page 2", { exact: true })).toBeVisible();
  await expect(rows).toHaveText(texts);
  await page.getByRole("button", { name: "Previous" }).click();
  await expect(rows).toHaveCount(50);
  await page.goBack();
  await expect(rows).toHaveText(texts);

  await page.getByLabel("Outcome", { exact: true }).click(); // a new filter begins at page 1
  await pick(page, "Expired");
  await expect(page.getByText("No sends match these filters")).toBeVisible();
  await expect(page).not.toHaveURL(/cursor/);
});

test("the recipient's field finds a number as people write it, or by its end, and says what it cannot search", async ({
  page,
  api,
}) => {
  const policy = await api.policy([await api.rule()]);
  const to = recipient("01");
  await api.send(policy, to);
  await api.send(policy, recipient("02"));
  await page.goto(`sends?policy=${policy.id}`);
  const rows = page.getByRole("rowheader");
  await expect(rows).toHaveCount(2);
  const field = page.getByLabel("Recipient", { exact: true });
  const refusal = page.getByText("Not searched.", { exact: false });
  for (const part of [to.slice(-3), to.slice(0, 6), "abc"]) {
    await field.fill(part);
    await expect(refusal).toBeHidden(); // not while it is typed
    await page.keyboard.press("Enter");
    await expect(refusal).toBeVisible();
    await expect(field).toHaveAccessibleDescription(/Not searched/);
    await expect(rows).toHaveCount(2);
    await field.fill("");
    await expect(refusal).toBeHidden();
  }
  const national = to.slice(3); // without +44
  for (const [written, filter] of [
    [to, `to=%2B44${national}`],
    [`0044 ${national}`, `to=%2B44${national}`],
    [`+44 ${national.slice(0, 4)} ${national.slice(4)}`, `to=%2B44${national}`],
    [`+44 (0)${national.slice(0, 4)} ${national.slice(4, 7)}-${national.slice(7)}`, `to=%2B44${national}`],
    [`＋44.${national}`, `to=%2B44${national}`],
    [`0${national.slice(0, 4)} ${national.slice(4)}`, `to_ends=${national}`],
    [to.slice(1), `to_ends=44${national}`],
    [to.slice(-6), `to_ends=${to.slice(-6)}`],
  ] as const) {
    await field.fill(written);
    await page.keyboard.press("Enter");
    await expect(rows, written).toHaveText([to]);
    await expect(page).toHaveURL(new RegExp(`[?&]${filter}(&|$)`));
    await field.fill("");
    await expect(rows).toHaveCount(2);
  }
});

test.describe("an id that names nothing", () => {
  test.use({ mayFail: answers(400, 404) });

  for (const id of ["01970e2a-5b7c-7d3e-8f00-4a1b2c3d4e5f", "no-uuid"]) {
    for (const [of, none, list] of [
      ["sends", "There is no send with this id", "Sends"],
      ["rules", "There is no rule with this id", "Fallback Rule"],
      ["policies", "There is no policy with this id", "Fallback Policy"],
    ] as const) {
      test(`the page ${of}/${id} links to the list`, async ({ page }) => {
        await page.goto(`${of}/${id}`);
        await expect(page.getByRole("heading", { name: none, level: 1 })).toBeVisible();
        await expect(page.getByRole("main").getByText(id)).toBeVisible();
        await expect(page.getByRole("button", { name: "Try again" })).toBeHidden();
        await page.getByRole("main").getByRole("link", { name: list }).click();
        await expect(page.getByRole("heading", { name: list, level: 1 })).toBeVisible();
        await expect(page).toHaveURL(new RegExp(`/${of}$`));
      });
    }
  }

  test("a filter that the API refuses offers to clear the filters", async ({ page }) => {
    await page.goto("sends?policy=no-uuid");
    await expect(page.getByRole("alert").filter({ hasText: "policy_id" })).toBeVisible();
    await expect(page.getByRole("button", { name: "Try again" })).toBeHidden();
    await page.getByRole("button", { name: "Clear the filters" }).click();
    await expect(page).toHaveURL(/\/sends$/);
  });
});

test("the address of a rule or a policy shows it", async ({ page, api }) => {
  const rule = await api.rule();
  const policy = await api.policy([rule]);
  for (const [path, name] of [
    [`rules/${rule.id}`, rule.name],
    [`policies/${policy.id}`, policy.name],
  ] as const) {
    await page.goto(path);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
  }
});

/** hold keeps back the answers of the API for a path, until the function that it returns is called. */
async function hold(page: Page, path: RegExp): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(path, async (route) => {
    await released;
    await route.continue().catch(() => {}); // the page may have given it up
  });
  return release;
}

test("Enter in the search of the policies chooses a policy that matches, or none", async ({ page, api }) => {
  const rule = await api.rule();
  const [old, next, other] = [await api.policy([rule]), await api.policy([rule]), await api.policy([rule])];
  const options = page.locator(".ant-select-dropdown:not(.ant-select-dropdown-hidden) .ant-select-item-option");
  for (const path of ["sends/new", "sends", ""]) {
    await page.goto(`${path}?policy=${old.id}`);
    const field = page.getByRole("combobox", { name: /Policy|All policies/ });
    const shown = page.locator(".ant-select").filter({ has: field });
    await expect(shown).toContainText(old.name);
    await field.fill(next.name);
    await expect(options).toHaveText([next.name]); // not the old policy too
    await page.keyboard.press("Enter");
    await expect(options).toHaveCount(0);
    await expect(shown).toContainText(next.name);
    await expect(shown).not.toContainText(old.name);
    if (path !== "sends/new") await expect(page).toHaveURL(new RegExp(`policy=${next.id}`));

    await field.fill("nothing has this name");
    await expect(page.getByText("Nothing matches").last()).toBeVisible();
    await page.keyboard.press("Enter"); // chooses nothing, and the text stays
    await expect(field).toHaveValue("nothing has this name");

    const release = await hold(page, /v1\/policies\?.*search=/);
    await field.fill(other.name); // the search is not answered yet
    await expect(page.getByText("Searching …")).toBeVisible();
    await expect(options).toHaveCount(0);
    await page.keyboard.press("Enter");
    await expect(field).toHaveValue(other.name);
    release();
    await expect(options).toHaveText([other.name]);
    await page.keyboard.press("Enter");
    await expect(shown).toContainText(other.name);
    await page.unroute(/v1\/policies\?.*search=/);
  }
});
