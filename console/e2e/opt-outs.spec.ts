// The list of opt-outs: search, add, remove, history, import and export of files, and where the page of a send shows it.
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { answers, choose, expect, recipient, test, unique } from "./test";

test.use({ mayFail: answers(422) });

const rowOf = (page: Page, number: string) => page.getByRole("row").filter({ hasText: number });
const dialog = (page: Page) => page.getByRole("dialog");

async function search(page: Page, number: string) {
  await page.goto("opt-outs");
  await page.getByLabel("Recipient", { exact: true }).fill(number);
  await page.keyboard.press("Enter");
}

test("a number is added, found, stops a send, and is removed after a confirmation", async ({ page, api }) => {
  const number = recipient("01");
  await page.goto("opt-outs");
  await expect(page.getByRole("link", { name: "Opt-outs" })).toHaveAttribute("aria-current", "page");
  await page.getByRole("button", { name: "Add a number" }).click();
  await dialog(page).getByLabel("Number").fill("07400");
  await dialog(page).getByRole("button", { name: "Add", exact: true }).click();
  await expect(dialog(page).locator(".ant-form-item-explain-error")).toBeVisible();
  await dialog(page).getByLabel("Number").fill(number);
  await choose(page, dialog(page).getByRole("combobox", { name: "Messages" }), "Marketing");
  await dialog(page).getByLabel("Note").fill("by phone");
  await dialog(page).getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByText(`${number} is on the list`)).toBeVisible();

  await search(page, number);
  await expect(rowOf(page, number)).toContainText("Marketing");
  await expect(rowOf(page, number)).toContainText("Console");
  await expect(rowOf(page, number)).toContainText("by phone");
  await expect(page.getByText("1 entry")).toBeVisible();
  await search(page, number.slice(-9));
  await expect(rowOf(page, number)).toBeVisible();
  await choose(page, page.getByRole("combobox", { name: "Messages" }), "Utility");
  await expect(page.getByText("Nothing matches")).toBeVisible();

  const policy = await api.policy([await api.rule()]);
  await page.goto(`sends/new?policy=${policy.id}`);
  await page.getByLabel("Recipient").fill(number);
  await page.getByLabel("Text", { exact: true }).last().fill("News");
  await page.getByLabel("Text of the SMS").fill("News");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page.getByText("has opted out of such messages: see the page Opt-outs").first()).toBeVisible();

  await search(page, number);
  await page.getByRole("button", { name: `Remove ${number}, Marketing` }).click();
  await expect(dialog(page)).toContainText("The history is kept");
  await dialog(page).getByRole("button", { name: "Cancel" }).click();
  await expect(rowOf(page, number)).toBeVisible();
  await page.getByRole("button", { name: `Remove ${number}, Marketing` }).click();
  await dialog(page).getByRole("button", { name: "Remove from the list" }).click();
  await expect(page.getByText(`${number} is removed from the list`)).toBeVisible();
  await expect(rowOf(page, number)).toHaveCount(0);
});

test("the page of a send shows what the provider reported, and the list has the way to the send", async ({
  page,
  api,
}) => {
  const number = recipient("16");
  const policy = await api.policy([await api.rule()]);
  const send = await api.send(policy, number);
  await expect.poll(async () => (await api.get(send)).outcome).toBe("failed");
  await page.goto(`sends/${send.id}`);
  const facts = page.locator(".facts").filter({ hasText: "Opt-outs of the recipient" });
  await expect(facts).toContainText("Refused by the provider");
  await facts.getByRole("link", { name: "Marketing" }).click();
  await expect(rowOf(page, number)).toContainText("131050");
  await page.getByRole("button", { name: `Remove ${number}, Marketing` }).click();
  await expect(dialog(page)).toContainText("only if the recipient has asked for messages again");
  await dialog(page).getByRole("button", { name: "Cancel" }).click();
  await rowOf(page, number)
    .getByRole("button", { name: /Expand/ })
    .click();
  await expect(page.getByRole("region", { name: `History of ${number}` })).toContainText("opted out of: Marketing");
  await rowOf(page, number).first().getByRole("link", { name: "Refused by the provider" }).click();
  await expect(page).toHaveURL(new RegExp(`sends/${send.id}$`));
});

test("a file is imported, its wrong lines are named, and the list is exported", async ({ page }) => {
  const [first, second] = [recipient("01"), recipient("02")];
  const note = unique("file");
  await page.goto("opt-outs");
  await page.getByRole("button", { name: "Import a file" }).click();
  const upload = async (content: string) => {
    await dialog(page)
      .getByLabel("File")
      .setInputFiles({ name: "list.csv", mimeType: "text/csv", buffer: Buffer.from(content) });
    await dialog(page).getByRole("button", { name: "Import", exact: true }).click();
  };
  await upload(`to,category,note\n${first},marketing,${note}\n07400,offers,${note}\n`);
  const alert = dialog(page).getByRole("alert");
  await expect(alert).toContainText("Nothing is imported");
  await expect(alert).toContainText("Line 3: to");
  await expect(alert).toContainText("Line 3: category");
  await upload(`to,category,note\n${first},marketing,${note}\n${second},,${note}\n`);
  await expect(dialog(page).getByText("2 entries read, 2 of them are new")).toBeVisible();
  await dialog(page).getByRole("button", { name: "Close", exact: true }).last().click();

  await search(page, second);
  await expect(rowOf(page, second)).toContainText("All messages");
  await expect(rowOf(page, second)).toContainText(note);
  const link = page.getByRole("link", { name: /CSV/ });
  await expect(link).toHaveAttribute("href", new RegExp(second.slice(1))); // the list may have shown the entry before the search
  const download = page.waitForEvent("download");
  await link.click();
  const file = await readFile(await (await download).path(), "utf8");
  expect(file).toMatch(new RegExp(`^\\${second},all,[^,]*,import,`, "m"));
  expect(file).not.toContain(first);
});

test("a new send is skipped if its form says so", async ({ page, api }) => {
  const number = recipient("01");
  await api.optOut(number);
  const policy = await api.policy([await api.rule()]);
  await page.goto(`sends/new?policy=${policy.id}`);
  await page.getByLabel("Recipient").fill(number);
  await page.getByLabel("Text", { exact: true }).last().fill("News");
  await page.getByLabel("Text of the SMS").fill("News");
  await choose(page, page.getByRole("combobox", { name: "After an opt-out" }), "The send is skipped");
  await expect(page.getByText("The recipient has opted out: nothing goes out")).toBeVisible();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(page).toHaveURL(/\/sends\/[0-9a-f-]{36}$/);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Failed");
  await expect(page.locator(".events")).toContainText("Opted out WhatsApp");
  await expect(page.locator(".events")).not.toContainText("Submitted");
});
