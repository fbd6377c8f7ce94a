// A send is ended by a person: cancelled, or confirmed because the recipient has acted.
import { answers, expect, recipient, test } from "./test";

const sentOnly = "03"; // WhatsApp reports the message as sent, and nothing more

test("a send is cancelled after a question, and its page says what is true", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const send = await api.send(policy, recipient(sentOnly));
  await page.goto(`sends/${send.id}`);
  await expect(page.locator(".events")).toContainText("WhatsApp · Sent");
  await page.getByRole("button", { name: "Cancel send" }).click();
  const dialog = page.getByRole("dialog", { name: "Cancel send" });
  await expect(dialog).toContainText("cannot be recalled. No SMS follows.");
  await dialog.getByRole("button", { name: "Back" }).click();
  await expect(dialog).toBeHidden();
  expect((await api.get(send)).outcome).toBe("pending");

  await page.getByRole("button", { name: "Cancel send" }).click();
  await dialog.getByRole("button", { name: "Cancel send" }).click();
  await expect(dialog).toBeHidden();
  const verdict = page.locator(".verdict");
  await expect(verdict.getByRole("heading")).toHaveText("Cancelled: no SMS follows");
  await expect(verdict).toContainText("The send was cancelled at");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Cancelled");
  await expect(page.getByRole("timer")).toBeHidden();
  await expect(page.getByRole("button", { name: "Cancel send" })).toBeHidden();
  await expect(page.getByRole("button", { name: "Recipient has acted" })).toBeHidden();
  const ended = await api.get(send);
  expect(ended.events.map(({ kind }) => kind).slice(-2)).toEqual(["cancelled", "finished"]);

  await page.goto(`sends?policy=${policy.id}&outcome=cancelled%2Cconfirmed`);
  await expect(page.getByRole("rowheader")).toHaveText([ended.to]);
  await expect(page.getByRole("row").nth(1)).toContainText("Cancelled");
  await page.goto(`sends?policy=${policy.id}&outcome=confirmed`);
  await expect(page.getByRole("rowheader")).toHaveCount(0);
  await page.goto(`?policy=${policy.id}`);
  await expect(page.getByRole("region", { name: "What became of the sends" })).toContainText("Cancelled 100.0%");
});

test("a send is confirmed while its rule waits, and no SMS follows", async ({ page, api }) => {
  const policy = await api.policy([await api.rule({ wait_seconds: 8 })]);
  const send = await api.send(policy, recipient(sentOnly));
  await page.goto(`sends/${send.id}`);
  await expect(page.getByRole("timer")).toBeVisible();
  await page.getByRole("button", { name: "Recipient has acted" }).click();
  const dialog = page.getByRole("dialog", { name: "Recipient has acted" });
  await dialog.getByRole("button", { name: "Recipient has acted" }).click();
  await expect(page.locator(".verdict").getByRole("heading")).toHaveText("Confirmed: the recipient has acted");
  await expect(page.locator(".events")).toContainText("Confirmed: the recipient has acted");
  await expect(page.locator(".facts").last()).toContainText("Confirmed");
  await page.waitForTimeout(9000); // longer than the wait of the rule
  expect(await api.get(send)).toMatchObject({ outcome: "confirmed" });
  expect((await api.get(send)).attempts.map(({ channel }) => channel)).toEqual(["whatsapp"]);
});

test.describe("a send that ends while the dialog is open", () => {
  test.use({ mayFail: answers(409) });

  test("it is too late to cancel it, and the dialog says why", async ({ page, api }) => {
    const send = await api.send(await api.policy([await api.rule()]), recipient(sentOnly));
    await page.goto(`sends/${send.id}`);
    await page.getByRole("button", { name: "Cancel send" }).click();
    await api.end(send, "confirm");
    const dialog = page.getByRole("dialog", { name: "Cancel send" });
    await dialog.getByRole("button", { name: "Cancel send" }).click();
    await expect(dialog.getByRole("alert")).toContainText("Too late: the send has ended. Its outcome is “Confirmed”.");
    await expect(dialog.getByRole("button", { name: "Cancel send" })).toBeDisabled();
    await expect(page.getByRole("heading", { level: 1 })).toContainText("Confirmed");
  });
});

test.describe("in Chinese, in a narrow window", () => {
  test.use({ locale: "zh-CN", viewport: { width: 390, height: 900 } });

  test("the menu has both ways to end a send", async ({ page, api }) => {
    const send = await api.send(await api.policy([await api.rule()]), recipient(sentOnly));
    await page.goto(`sends/${send.id}`);
    await page.getByRole("button", { name: "更多" }).click();
    await expect(page.getByRole("menuitem", { name: "接收者已采取行动" })).toBeVisible();
    await page.getByRole("menuitem", { name: "取消发送" }).click();
    const dialog = page.getByRole("dialog", { name: "取消发送" });
    await dialog.getByRole("button", { name: "取消发送" }).click();
    await expect(page.locator(".verdict").getByRole("heading")).toContainText("已取消");
    await expect(page.getByRole("heading", { level: 1 })).toContainText("已取消");
  });
});
