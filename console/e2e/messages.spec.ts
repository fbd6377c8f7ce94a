// Stored messages: a list, a form with a preview of both channels, versions, and a send that names one.
import type { Page } from "@playwright/test";
import { answers, expect, pick, recipient, test, unique } from "./test";

const dialogOf = (page: Page) => page.getByRole("dialog", { name: "Message", exact: true });
const shown = (page: Page, channel: string) =>
  page.locator(".message-preview figure").filter({ has: page.getByText(channel, { exact: true }) });

test("a message is added from a template, edited into a second version, and deleted", async ({ page, api }) => {
  const name = unique("Order");
  await page.goto("messages");
  await page.getByRole("button", { name: "Add message" }).first().click();
  const dialog = dialogOf(page);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(dialog.getByText("Enter a name")).toBeVisible();
  await dialog.getByLabel("Message Name").fill(name);
  await dialog.getByRole("radio", { name: "Template" }).check();
  await dialog.getByRole("combobox", { name: /Template$/ }).fill("order");
  await pick(page, "order_update · en_US", 2);
  await expect(dialog.getByLabel("Parameters")).toHaveValue(/\{\{parameter_2\}\}/);
  await dialog.getByLabel("Parameters").fill('{"body": ["{{name}}", "{{order}}"]}');
  await dialog.getByLabel("Text of the SMS").fill("{{name}}, order {{order}} – soon");
  await expect(shown(page, "SMS")).toContainText("{{name}}, order {{order}} – soon");
  await dialog.getByLabel("name", { exact: true }).fill("{{order}} Ada");
  await expect(shown(page, "SMS")).toContainText("{{order}} Ada, order {{order}} – soon");
  await expect(shown(page, "WhatsApp")).toContainText("{{order}} Ada");
  await expect(shown(page, "SMS")).toContainText("UCS-2");
  await dialog.getByRole("button", { name: "SMS and category" }).click();
  await dialog.getByRole("switch", { name: "Plain characters" }).click();
  await expect(shown(page, "SMS")).toContainText("- soon");
  await expect(shown(page, "SMS")).toContainText("GSM-7");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByText(`The message “${name}” is added`)).toBeVisible();

  await page.getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
  const id = page.url().split("/").at(-1) ?? "";
  expect(await api.getMessage({ id })).toMatchObject({
    variables: ["name", "order"],
    category: "utility",
    whatsapp: { template: { name: "order_update", language: "en_US", body: ["{{name}}", "{{order}}"] } },
    sms: { transliterate: true },
  });
  await page.getByRole("button", { name: "Edit" }).click();
  await dialog.getByLabel("Text of the SMS").fill("{{name}}: {{order}}");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("button", { name: /Version 2/ })).toBeVisible();
  await page.getByRole("button", { name: /Version 1/ }).click();
  await expect(page.getByText("{{name}}, order {{order}} – soon")).toBeVisible();

  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog", { name: "Delete message" }).getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/messages$/);
  await expect(page.getByText(`The message “${name}” is deleted`)).toBeVisible();
});

test.describe("what the API refuses", () => {
  test.use({ mayFail: answers(422) });

  test("a wrong variable has its reason in the preview and at its field", async ({ page }) => {
    await page.goto("messages");
    await page.getByRole("button", { name: "Add message" }).first().click();
    const dialog = dialogOf(page);
    await dialog.getByLabel("Message Name").fill(unique("Wrong"));
    await dialog.getByLabel("Text", { exact: true }).nth(-1).fill("Hello");
    await dialog.getByLabel("Text of the SMS").fill("Hi {{first name}}");
    await expect(dialog.getByRole("alert")).toContainText("has {{ without a variable, after 3 characters");
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await expect(dialog.locator(".ant-form-item-explain-error")).toContainText("without a variable");
  });
});

test("a new send names a message and gives the values", async ({ page, api }) => {
  const message = await api.message();
  const policy = await api.policy([await api.rule()]);
  await page.goto(`sends/new?policy=${policy.id}`);
  await page.getByLabel("Recipient").fill(recipient("01"));
  await page.getByRole("radio", { name: "Stored message" }).check();
  await expect(page.getByLabel("Text of the SMS")).toBeHidden();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.locator(".ant-form-item-explain-error").getByText("Choose a message")).toBeVisible();
  await page.getByLabel("Message", { exact: true }).fill(message.name);
  await pick(page, message.name, 1);
  await page.getByLabel("name", { exact: true }).fill("Ada {{code}}");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.locator(".ant-form-item-explain-error").getByText("Enter the value")).toBeVisible();
  await page.getByLabel("code", { exact: true }).fill("4711");
  await expect(page.locator(".version")).toContainText("Hello Ada {{code}}");
  await expect(page.locator(".version")).toContainText("Ada {{code}}: 4711");
  await expect(page.getByText("GSM-7, 22 characters, 1 segment")).toBeVisible();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page).toHaveURL(/sends\/[0-9a-f-]{36}$/);
  const sent = await api.get({ id: page.url().split("/").at(-1) ?? "" } as never);
  expect(sent.message).toEqual({ id: message.id, name: message.name, version: 1 });
  await expect(page.getByRole("link", { name: `${message.name}, version 1` })).toBeVisible();
});

test.describe("in Chinese", () => {
  test.use({ locale: "zh-CN" });

  test("the page of a message", async ({ page, api }) => {
    const message = await api.message();
    await page.goto(`messages/${message.id}`);
    await expect(page.getByRole("heading", { name: "实际发送的内容" })).toBeVisible();
    await expect(page.getByRole("button", { name: /版本 1/ })).toBeVisible();
    await expect(shown(page, "短信")).toContainText("{{name}}: {{code}}");
  });
});

test("a new send can write its SMS in plain characters", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await page.goto(`sends/new?policy=${policy.id}`);
  await page.getByLabel("Recipient").fill(recipient("01"));
  await page.getByLabel("Text", { exact: true }).nth(-1).fill("Hello");
  await page.getByLabel("Text of the SMS").fill("“Zoë” – č");
  await expect(page.getByText("UCS-2, 9 characters, 1 segment")).toBeVisible();
  await page.getByRole("switch", { name: "Plain characters" }).click();
  await expect(page.getByText('This goes out: "Zoe" - c')).toBeVisible();
  await expect(page.getByText("GSM-7, 9 characters, 1 segment")).toBeVisible();
});
