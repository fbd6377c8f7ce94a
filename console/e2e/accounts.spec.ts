import type { Page } from "@playwright/test";
import { answers, choose, expect, pick, recipient, sandboxURL, test, uniqueAccount } from "./test";

// The values that the simulated Twilio accepts (docs/sandbox.md).
const sid = "AC00000000000000000000000000000000";
const token = "sandbox-auth-token";

const formOf = (page: Page) => page.getByRole("dialog", { name: /^(New account at|Account )/ });
const rowOf = (page: Page, name: string) =>
  page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });

/** open opens the form of a new account at a provider. */
async function open(page: Page, provider: string) {
  await page.goto("accounts");
  await page.getByRole("button", { name: "Add account" }).first().click();
  await page
    .getByRole("dialog", { name: "Which provider is the account at?" })
    .getByRole("button", { name: new RegExp(`^${provider}`) })
    .click();
  await expect(formOf(page).getByLabel("Account name")).toBeFocused();
}

test.describe("a Twilio account", () => {
  test.use({ mayFail: answers(422, 409) });

  test("is refused with wrong credentials, added, edited, checked, disabled and deleted", async ({ page }) => {
    test.setTimeout(300_000);
    const name = uniqueAccount("sms");
    await open(page, "Twilio");
    const form = formOf(page);
    await form.getByRole("button", { name: "Add", exact: true }).click();
    await expect(form.getByText("Enter a name")).toBeVisible();
    await expect(form.getByText("Enter a value").first()).toBeVisible();
    await form.getByLabel("Account name").fill("Has Capitals");
    await expect(form.getByText("1 to 64 small letters, digits, - and _, beginning")).toBeVisible();
    await form.getByLabel("Account name").fill(name);
    await form.getByLabel("Account SID").fill("AC12");
    await expect(form.getByText("does not have the right form")).toBeVisible();
    await form.getByLabel("Account SID").fill(sid);
    await form.getByLabel("Auth token").fill("wrong");
    await form.getByLabel("API address").fill(sandboxURL());
    await form.getByRole("button", { name: "Add", exact: true }).click();
    await expect(form.locator(".ant-form-item-explain-error", { hasText: "is refused" })).toBeVisible();
    await form.getByLabel("Auth token").fill(token);
    await form.getByRole("button", { name: "Add", exact: true }).click();

    await expect(page.getByText(`The account “${name}” is added`)).toBeVisible();
    await expect(page).toHaveURL(new RegExp(`/console/accounts/${name}$`));
    await expect(page.getByRole("heading", { level: 1 })).toContainText(name);
    await expect(page.getByText(`/webhooks/twilio/${name}`)).toBeVisible();
    await expect(page.getByText("Set (not shown)")).toBeVisible();
    await expect(page.getByText(token)).toBeHidden();
    await page.getByRole("button", { name: "Check" }).click();
    await expect(page.getByText("Twilio accepts the settings")).toBeVisible();

    await page.getByRole("button", { name: "Edit" }).click();
    await expect(form.getByLabel("Auth token")).toHaveValue("");
    await expect(form.getByLabel("Auth token")).toHaveAttribute("placeholder", "Set. Leave empty to keep it.");
    await expect(form.getByLabel("How long the former value stays valid")).toBeHidden();
    await form.getByLabel("Calls per second").fill("20");
    await form.getByLabel("Auth token").fill("another-token");
    await choose(page, form.getByLabel("How long the former value stays valid"), "1 day");
    await form.getByRole("checkbox", { name: "Ask Twilio first" }).uncheck();
    await form.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText(`The account “${name}” is saved`)).toBeVisible();
    await expect(page.getByText("Auth token: valid until")).toBeVisible();
    await page.getByRole("button", { name: "Check" }).click();
    const refusal = page.getByRole("alert").filter({ hasText: "Twilio refuses a setting" });
    await expect(refusal.getByText("Auth token")).toBeVisible();

    await page.getByRole("button", { name: "End them now" }).click();
    await page.getByRole("tooltip").getByRole("button", { name: "End them now" }).click();
    await expect(page.getByText("Auth token: valid until")).toBeHidden();

    await page.getByRole("button", { name: "Delete" }).click();
    const question = page.getByRole("dialog", { name: "Delete account" });
    await expect(question.getByText("Disable it first")).toBeVisible();
    await question.getByRole("button", { name: "OK" }).click();
    await page.getByRole("button", { name: "Disable" }).click();
    await page.getByRole("tooltip").getByRole("button", { name: "Disable" }).click();
    await expect(page.getByRole("heading", { level: 1 }).getByText("Disabled")).toBeVisible();
    await page.getByRole("button", { name: "Delete" }).click();
    await question.getByRole("button", { name: "Delete" }).click();
    await expect(page.getByText(`The account “${name}” is deleted`)).toBeVisible();
    await expect(page).toHaveURL(/\/console\/accounts$/);
    await expect(rowOf(page, name)).toBeHidden();
  });
});

test("the accounts of the environment are shown and cannot be changed", async ({ page }) => {
  await page.goto("accounts");
  const row = rowOf(page, "twilio");
  await expect(row.getByText("Read-only")).toBeVisible();
  await expect(row.getByRole("button")).toHaveCount(0);
  await row.getByRole("link", { name: "twilio" }).click();
  await expect(page.getByText("The environment gives this account.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Check" })).toBeVisible();
  for (const name of ["Edit", "Delete", "Disable"]) {
    await expect(page.getByRole("button", { name })).toHaveCount(0);
  }
});

test("the list filters by channel and provider, and the address has it", async ({ page, api }) => {
  const account = await api.account();
  await page.goto("accounts");
  await choose(page, page.getByLabel("Channel"), "SMS");
  await expect(rowOf(page, "meta")).toBeHidden();
  await page.getByLabel("Search by account name").fill(account.name);
  await expect(page.getByText("1 account", { exact: true })).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`channel=sms.*search=${account.name}|search=${account.name}.*channel=sms`));
  await expect(rowOf(page, account.name).getByText("Twilio")).toBeVisible();
});

test.describe("an account that somebody else has changed meanwhile", () => {
  test.use({ mayFail: answers(412) });

  test("keeps the changes of both", async ({ page, api }) => {
    const account = await api.account();
    await page.goto(`accounts/${account.name}`);
    await page.getByRole("button", { name: "Edit" }).click();
    const form = formOf(page);
    await form.getByLabel("Calls at once").fill("7");
    await api.replaceAccount(account, { calls_per_second: 3 });
    await form.getByRole("button", { name: "Save" }).click();
    const conflict = page.getByRole("dialog", { name: "Somebody else changed it while you were editing" });
    await expect(conflict.getByRole("group", { name: "Calls per second" })).toBeVisible();
    await conflict.getByRole("button", { name: "Continue with the chosen values" }).click();
    await form.getByRole("button", { name: "Save" }).click();
    await expect(page.getByText(`The account “${account.name}” is saved`)).toBeVisible();
    await expect(await api.getAccount(account)).toMatchObject({ calls_per_second: 3, calls_at_once: 7 });
  });
});

test("a rule has two accounts, in an order that the keyboard changes, each with its sender ID", async ({
  page,
  api,
}) => {
  const [first, second] = [await api.account(), await api.account()];
  const rule = await api.rule();
  await page.goto(`rules/${rule.id}`);
  await page.getByRole("button", { name: "Edit" }).click();
  const dialog = page.getByRole("dialog", { name: "Sending Rule Settings" });
  for (const { name } of [first, second]) {
    await dialog.getByRole("combobox", { name: "SMS accounts" }).click();
    await pick(page, name);
  }
  await dialog.getByLabel(`SendID at ${second.name}`).fill("12");
  await expect(dialog.getByText("1 to 11 letters, digits")).toBeVisible();
  await dialog.getByLabel(`SendID at ${second.name}`).fill("OTHER");
  await dialog.getByRole("button", { name: `Move ${second.name} up` }).focus();
  await page.keyboard.press("Enter");
  await expect(dialog.getByText("send it by SMS from OTHER.")).toBeVisible();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(`The rule “${rule.name}” is saved`)).toBeVisible();
  const stored = await api.getRule(rule);
  expect(stored.routes).toEqual([{ account: second.name, send_id: "OTHER" }, { account: first.name }]);
  await expect(page.getByRole("link", { name: first.name })).toBeVisible();

  await page.getByRole("button", { name: "Edit" }).click();
  await dialog.getByRole("button", { name: `Remove ${second.name}` }).click();
  await dialog.getByRole("button", { name: `Remove ${first.name}` }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("The default account", { exact: true })).toBeVisible();
  expect((await api.getRule(rule)).routes).toBeUndefined();
});

test("a send goes by the second account if the first one refuses, and its page says so", async ({ page, api }) => {
  const broken = await api.account({ settings: { auth_token: "wrong" } });
  const working = await api.account();
  const rule = await api.rule({
    type: "send_failed",
    wait_seconds: 0,
    routes: [{ account: broken.name }, { account: working.name }],
  });
  const send = await api.send(await api.policy([rule]), recipient("04"));
  await page.goto(`sends/${send.id}`);
  await expect(page.getByRole("heading", { name: `Delivered by SMS from ACME (${working.name})` })).toBeVisible({
    timeout: 20_000,
  });
  await expect(
    page.getByText(`Account ${working.name} followed, because ${broken.name} had refused the SMS`).first(),
  ).toBeVisible();
  await expect(page.locator(".events").getByText("Another account")).toBeVisible();
  await expect(page.locator(".events").getByText(`${broken.name} refused, for a reason of its own`)).toBeVisible();
  await expect(page.getByText(`account ${working.name}`).first()).toBeVisible();
  await api.replaceRule(rule, {});
  await api.deleteAccount(broken); // an unhealthy account has a notice on each page
});

test("a send goes by the second account if the first one is disabled", async ({ page, api }) => {
  const first = await api.account({ disabled: true });
  const second = await api.account();
  const rule = await api.rule({
    type: "send_failed",
    wait_seconds: 0,
    routes: [{ account: first.name }, { account: second.name }],
  });
  const send = await api.send(await api.policy([rule]), recipient("04"));
  await page.goto(`sends/${send.id}`);
  await expect(page.getByRole("heading", { name: `Delivered by SMS from ACME (${second.name})` })).toBeVisible({
    timeout: 20_000,
  });
  expect((await api.get(send)).attempts.map(({ account }) => account)).toEqual(["meta", second.name]);
});

test("a policy and a send choose their WhatsApp account, and a test of it preselects the account", async ({
  page,
  api,
}) => {
  const account = await api.account({
    name: uniqueAccount("meta"),
    provider: "meta",
    channel: "whatsapp",
    settings: {
      phone_number_id: "106540352242923",
      access_token: "sandbox-access-token",
      app_secret: "sandbox-app-secret",
      verify_token: "sandbox-verify-token",
    },
  });
  const policy = await api.policy([await api.rule()]);
  await page.goto(`policies/${policy.id}`);
  await page.getByRole("button", { name: "Edit" }).click();
  const dialog = page.getByRole("dialog", { name: "Sending Policy Settings" });
  await choose(page, dialog.getByLabel("WhatsApp account"), account.name);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("link", { name: account.name })).toBeVisible();

  await page.goto(`accounts/${account.name}`);
  await page.getByRole("link", { name: "Send a test" }).click();
  await page.getByLabel("Recipient").fill(recipient("01"));
  await page.getByLabel("Text", { exact: true }).last().fill("Hello");
  await page.getByLabel("Policy").fill(policy.name);
  await pick(page, policy.name);
  await page.getByLabel("Text of the SMS").fill("Hello");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Read on WhatsApp" })).toBeVisible({ timeout: 20_000 });
  await expect(page.getByText(`by Meta · account ${account.name}`).first()).toBeVisible();
});

test.describe("a test by an SMS account", () => {
  test.use({ mayFail: answers(422) });

  test("goes out at once, also by a disabled one, and shows what the provider answers", async ({ page, api }) => {
    const account = await api.account({ disabled: true });
    await api.rule({ send_id: "BRAND", routes: [{ account: account.name }] });
    await page.goto(`accounts/${account.name}`);
    await page.getByRole("button", { name: "Send a test" }).click();
    const dialog = page.getByRole("dialog", { name: `Test SMS by ${account.name}` });
    const to = dialog.getByLabel("Recipient");
    await expect(to).toBeFocused();
    await expect(dialog.getByText("The account is disabled. A test goes out all the same.")).toBeVisible();
    await dialog.getByRole("button", { name: "Send", exact: true }).click();
    await expect(dialog.getByText("Enter the recipient")).toBeVisible();

    await choose(page, dialog.getByLabel("Scenario"), "01 · delivered");
    await expect(to).toHaveValue(/^\+447400\d{4}01$/);
    await choose(page, dialog.getByLabel("SendID"), "BRAND");
    await dialog.getByRole("button", { name: "Send", exact: true }).click();
    const accepted = dialog.getByRole("status").filter({ hasText: "Twilio has accepted the SMS" });
    await expect(accepted.getByText(/Message ID: SM/)).toBeVisible();
    await expect(accepted.getByText("1 segment")).toBeVisible();

    await to.fill("+44 740 (0) 123 4501"); // a number with a 0 too many
    await dialog.getByRole("button", { name: "Send again" }).click();
    await expect(dialog.locator(".ant-form-item-explain-error")).toBeVisible();

    await to.fill(recipient("23"));
    await dialog.getByRole("button", { name: "Send", exact: true }).click();
    const refused = dialog.getByRole("alert").filter({ hasText: "Twilio refuses the SMS" });
    await expect(refused.getByText("Nothing was sent.")).toBeVisible();
    await expect(refused.getByText(/^Twilio 21610: /)).toBeVisible();
    const messages = (await (await page.request.get(`${sandboxURL()}/messages`)).json()) as {
      from: string;
      to: string;
    }[];
    expect(messages.filter(({ from }) => from === "BRAND")).toHaveLength(2);
    await dialog.getByRole("button", { name: "Close" }).last().click();
    await expect(page.getByRole("button", { name: "Send a test" })).toBeFocused();
  });

  test("says that the result is not known if the provider does not answer", async ({ page, api }) => {
    const account = await api.account({ call_timeout_seconds: 1 });
    await page.goto(`accounts/${account.name}`);
    await page.getByRole("button", { name: "Send a test" }).click();
    const dialog = page.getByRole("dialog", { name: `Test SMS by ${account.name}` });
    await dialog.getByLabel("Recipient").fill(recipient("18")); // the answer is lost
    await dialog.getByLabel("SendID").fill("ACME");
    await dialog.getByLabel("Text of the SMS").fill("Hello");
    await dialog.getByRole("button", { name: "Send", exact: true }).click();
    const unknown = dialog.getByRole("alert").filter({ hasText: "It is not known whether the SMS went out" });
    await expect(unknown.getByText("look at the phone before you send again")).toBeVisible();
  });
});

test.describe("an account whose provider is away", () => {
  test("is stored with a warning", async ({ page }) => {
    const name = uniqueAccount("away");
    await open(page, "Twilio");
    const form = formOf(page);
    await form.getByLabel("Account name").fill(name);
    await form.getByLabel("Account SID").fill(sid);
    await form.getByLabel("Auth token").fill(token);
    await form.getByLabel("API address").fill(`${sandboxURL()}/away`); // nothing of Twilio's answers there
    await form.getByRole("button", { name: "Add", exact: true }).click();
    await expect(page.getByText("The account is saved, but Twilio could not be asked whether it works")).toBeVisible();
  });
});

test("the fields of a form follow the provider and the channel", async ({ page }) => {
  await open(page, "Infobip");
  const form = formOf(page);
  const sender = form.getByLabel("WhatsApp sender");
  await expect(sender).toBeHidden();
  await expect(form.getByText("While the account is unhealthy")).toBeHidden();
  await form.getByRole("radio", { name: "WhatsApp" }).check();
  await expect(sender).toBeVisible();
  await expect(form.getByText("While the account is unhealthy")).toBeVisible();
  await form.getByRole("button", { name: "Choose another provider" }).click();
  await page.getByRole("button", { name: /^Generic HTTP gateway/ }).click();
  await choose(page, form.getByRole("combobox", { name: "Gateway" }), "kannel");
  await expect(form.getByText("Ask Generic HTTP gateway first")).toBeHidden(); // it checks no accounts
  await form.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("button", { name: "Add account" }).first()).toBeFocused();
});

test.describe("a secret of several lines", () => {
  test.use({ permissions: ["clipboard-read", "clipboard-write"] });

  test("keeps its lines when it is pasted", async ({ page }) => {
    const key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    await open(page, "Vonage");
    const field = formOf(page).getByLabel("Private key");
    await page.evaluate((text) => navigator.clipboard.writeText(text), key);
    await field.focus();
    await page.keyboard.press("ControlOrMeta+V");
    await expect(field).toHaveValue(key);
    expect(await field.evaluate(({ tagName }) => tagName)).toBe("TEXTAREA");
  });
});

test.describe("in Chinese", () => {
  test.use({ locale: "zh-CN" });

  test("the form has the provider's labels and help in Chinese", async ({ page }) => {
    await page.goto("accounts");
    await page.getByRole("button", { name: "添加账户" }).first().click();
    await page.getByRole("button", { name: /^Twilio/ }).click();
    const form = page.getByRole("dialog", { name: "新建账户：Twilio" });
    await expect(form.getByLabel("账户 SID")).toBeVisible();
    await expect(form.getByText("在 Twilio 控制台首页。")).toBeVisible();
    await form.getByLabel("账户 SID").fill("AC1");
    await expect(form.getByText("格式不正确")).toBeVisible();
  });
});
