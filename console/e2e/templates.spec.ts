// The templates of the simulated Meta account: docs/sandbox.md lists them.
import type { Page } from "@playwright/test";
import { answers, apiKey, choose, consoleURL, expect, pick, recipient, sandboxURL, test, uniqueAccount } from "./test";

const phone = (page: Page) => page.locator(".phone");
const picker = (page: Page) => page.getByRole("combobox", { name: /Template$/ });
const wrong = (page: Page) => page.locator(".ant-form-item-explain-error");
const cardOf = (page: Page, title: string) =>
  page.locator(".ant-card").filter({ has: page.getByRole("heading", { name: title, exact: true }) });

/** pickTemplate opens a new send, and picks a template of the default account by its name and language. */
async function pickTemplate(page: Page, policy: string, template: string) {
  await page.goto(`sends/new?policy=${policy}`);
  await page.getByRole("radio", { name: "Template" }).check();
  await choose(page, picker(page), template);
}

test("a template is picked, filled in, shown as on the phone, and sent", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await page.goto(`sends/new?policy=${policy.id}`);
  await page.getByLabel("Recipient").fill(recipient("01"));
  await page.getByRole("radio", { name: "Template" }).check();
  await picker(page).fill("order");
  await pick(page, "order_update · en_US", 2);
  await expect(phone(page)).toContainText("Hello {{1}}, your order {{2}} is on its way.");
  await expect(phone(page)).toContainText("Sent by the sandbox");
  await page.getByLabel("Text of the SMS").fill("On its way.");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(wrong(page).getByText("Enter a value")).toHaveCount(2);

  await page.getByLabel("Body: {{1}}").fill("<b>*Ada*</b>");
  await page.getByLabel("Body: {{2}}").fill("4711");
  await expect(phone(page)).toContainText("Hello <b>*Ada*</b>, your order 4711 is on its way.");
  await expect(phone(page).locator("b, strong")).toHaveCount(0);
  await expect(page.locator(".new-send").getByTitle("Utility", { exact: true })).toBeVisible(); // as the template
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page).toHaveURL(/sends\/[0-9a-f-]{36}$/);
  const sent = await api.get({ id: page.url().split("/").at(-1) ?? "" } as never);
  expect(sent.template).toMatchObject({ name: "order_update", language: "en_US" });
  await expect(page.getByText("order_update").first()).toBeVisible();
});

test("the parameters become components in Meta's form, also for experts", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await pickTemplate(page, policy.id, "parcel_photo · en_US");
  await page.getByLabel("Recipient").fill(recipient("01"));
  await page.getByLabel("Header: link to the file (Image)").fill("photo.jpg");
  await expect(wrong(page).getByText("An address like https://example.com/photo.jpg")).toBeVisible();
  await page.getByLabel("Header: link to the file (Image)").fill("https://example.com/p.jpg");
  await page.getByLabel("Body: {{1}}").fill("4711");
  await page.getByLabel("Button “Track”: end of its address").fill("abc");
  await expect(phone(page)).toContainText("https://example.com/track/abc");
  await expect(phone(page).locator("img, a")).toHaveCount(0);
  await page.getByRole("switch", { name: "Write the components as JSON" }).click();
  const json = page.getByLabel("Components (JSON)");
  const components = [
    { type: "header", parameters: [{ type: "image", image: { link: "https://example.com/p.jpg" } }] },
    { type: "body", parameters: [{ type: "text", text: "4711" }] },
    { type: "button", sub_type: "url", index: "1", parameters: [{ type: "text", text: "abc" }] },
  ];
  expect(JSON.parse(await json.inputValue())).toEqual(components);
  await page.getByRole("switch", { name: "Write the components as JSON" }).click();
  await page.getByLabel("Text of the SMS").fill("At the door.");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page).toHaveURL(/sends\/[0-9a-f-]{36}$/);
  const sent = await api.get({ id: page.url().split("/").at(-1) ?? "" } as never);
  expect(sent.template).toMatchObject({ name: "parcel_photo", language: "en_US" }); // the API has counted its parameters
});

test("a paused and a rejected template are visible with the reason, and cannot be picked", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await page.goto(`sends/new?policy=${policy.id}`);
  await page.getByRole("radio", { name: "Template" }).check();
  await picker(page).click();
  const list = page.locator(".ant-select-dropdown:not(.ant-select-dropdown-hidden)");
  for (const [template, reason] of [
    ["welcome_offer · en_US", "Paused"],
    ["summer_sale · en_US", "Rejected: promotional"],
  ] as const) {
    const option = list.locator(".ant-select-item-option-disabled").filter({ hasText: template });
    await expect(option).toContainText(reason);
  }
});

test.describe("what the API refuses", () => {
  test.use({ mayFail: answers(422) });

  test("other components than the template wants are an error at their field", async ({ page, api }) => {
    const policy = await api.policy([await api.rule()]);
    await pickTemplate(page, policy.id, "order_update · de");
    await page.getByRole("switch", { name: "Write the components as JSON" }).click();
    await page.getByLabel("Components (JSON)").fill('[{"type":"body","parameters":[{"type":"text","text":"x"}]}]');
    await page.getByLabel("Recipient").fill(recipient("01"));
    await page.getByLabel("Text of the SMS").fill("Hello");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await expect(wrong(page)).toContainText(["parameters that the body wants: 2; given: 1"]);
  });

  test("a template that is paused meanwhile is an error at the picker", async ({ page, api, request }) => {
    const policy = await api.policy([await api.rule()]);
    await pickTemplate(page, policy.id, "appointment · en_US");
    await page.getByLabel("Body: {{first_name}}").fill("Ada");
    await page.getByLabel("Body: {{time}}").fill("9:00");
    await page.getByLabel("Recipient").fill(recipient("01"));
    await page.getByLabel("Text of the SMS").fill("Hello");
    const change = (status: string) => request.put(`${sandboxURL()}/meta/templates/appointment?status=${status}`);
    expect((await change("PAUSED")).ok()).toBe(true);
    const send = {
      to: recipient("01"),
      whatsapp: { template: { name: "appointment", language: "en_US" } },
      fallback: { policy_id: policy.id, text: "Hello" },
    };
    const headers = { Authorization: `Bearer ${apiKey()}` };
    const preview = async () =>
      (await request.post(new URL("/v1/sends/preview", consoleURL()).href, { headers, data: send })).text();
    await expect.poll(preview).toContain("template_not_approved");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await expect(wrong(page)).toContainText(["is not approved: its status is Paused"]);
    expect((await change("APPROVED")).ok()).toBe(true);
  });
});

test("without a list the name and the language are free text", async ({ page, api }) => {
  const account = await api.account({
    name: uniqueAccount("wa"),
    provider: "meta",
    channel: "whatsapp",
    settings: { phone_number_id: "1", access_token: "x", app_secret: "x", verify_token: "x" },
  });
  await page.goto(`sends/new?account=${account.name}`);
  await page.getByRole("radio", { name: "Template" }).check();
  await page.getByLabel(/^Name of the template/).fill("Not OK");
  await page.getByLabel("Language of the template").fill("english");
  await page.getByLabel("Components (JSON)").fill("{}");
  await expect(wrong(page).getByText(/^Name of the template/)).toBeVisible();
  await expect(page.getByText("A language code like en or en_US")).toBeVisible();
  await expect(page.getByText("This is not a JSON array")).toBeVisible();

  await page.goto(`templates?account=${account.name}`);
  await expect(page.getByText("WhatsApp Business account ID (waba_id)")).toBeVisible();
  await page.goto("templates");
  await expect(page.getByRole("link", { name: account.name })).toBeVisible(); // its waba_id is missing
  await api.deleteAccount(account);
});

test("the list has filters, the change of a category, and a way to a new send", async ({ page, request }) => {
  await page.goto("templates");
  const rowOf = (name: string) =>
    page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });
  await expect(rowOf("verification_code")).toContainText("10 min");
  await expect(page.getByText("Last read:")).toContainText("meta");
  const answer = await request.put(`${sandboxURL()}/meta/templates/summer_sale?category=UTILITY`);
  expect(answer.ok()).toBe(true);
  await expect(async () => {
    await page.reload();
    await expect(rowOf("summer_sale")).toContainText("Meta changed it: it was Marketing", { timeout: 2_000 });
  }).toPass();
  await expect(rowOf("summer_sale").getByRole("link")).toHaveCount(0);
  await page.getByLabel("Search by template name").fill("ORDER");
  await choose(page, page.getByRole("combobox", { name: "Language" }), "German (de)");
  await expect(rowOf("order_update")).toHaveCount(1);
  await expect(rowOf("summer_sale")).toBeHidden();
  await expect(page).toHaveURL(/[?&]language=de(&|$)/);
  await expect(page).toHaveURL(/[?&]search=ORDER(&|$)/);
  await page.getByRole("link", { name: "New send with order_update (de)" }).click();
  await expect(phone(page)).toContainText("Hallo {{1}}, Ihre Bestellung {{2}} ist unterwegs.");
  await expect(page.locator(".new-send").getByTitle("Utility", { exact: true })).toBeVisible();
});

test("the page of an account has the state of its number", async ({ page }) => {
  await page.goto("accounts/meta");
  const card = cardOf(page, "Number at the provider");
  for (const fact of ["Connected", "High", "persons a day"]) {
    await expect(card).toContainText(fact);
  }
  await card.getByRole("link", { name: "Templates of this account" }).click();
  await expect(page).toHaveURL(/templates\?account=meta/);
});
