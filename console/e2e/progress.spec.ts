// The steps of each channel are the statuses of the timeline.
import { expect, recipient, test } from "./test";

test("the cross comes after the last status that the message reached", async ({ page, api }) => {
  const send = await api.send(await api.policy([await api.rule()]), recipient("14"));
  await expect.poll(async () => (await api.get(send)).outcome, { timeout: 20_000 }).toBe("failed");
  await page.goto(`sends/${send.id}`);
  const card = (channel: string) =>
    page.locator(".channel").filter({ has: page.getByRole("heading", { name: channel, exact: true }) });
  await expect(card("WhatsApp").locator(".ant-steps-item-finish")).toHaveText(["Queued"]); // rejected at once
  await expect(card("WhatsApp").locator(".ant-steps-item-error")).toHaveText(["Failed"]);
  await expect(card("SMS").locator(".ant-steps-item-finish")).toHaveText(["Queued", "Submitted", "Sent"]);
  await expect(card("SMS").locator(".ant-steps-item-error")).toHaveText(["Failed"]); // sent, then undelivered
});
