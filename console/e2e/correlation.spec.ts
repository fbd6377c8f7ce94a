// What a send has for the caller's own systems, and sends that have rules of their own.
import { answers, apiKey, consoleURL, expect, pick, recipient, test, unique } from "./test";

test.describe("a correlation id and metadata", () => {
  test.use({ mayFail: answers(409, 422) }); // 422: the preview of a key that is not valid

  test("are entered with a new send, shown on its page, found by the search and filtered by", async ({ page, api }) => {
    const policy = await api.policy([await api.rule()]);
    const order = unique("order");
    await api.send(policy, recipient("01")); // of no order
    const submit = async (to: string) => {
      await page.goto(`sends/new?policy=${policy.id}`);
      await page.getByLabel("Recipient").fill(to);
      await page.getByLabel("Text", { exact: true }).nth(-1).fill("Hello");
      await page.getByLabel("Text of the SMS").fill("Hello");
      await expect(page.getByLabel("No other send may have this id")).toBeDisabled();
      await page.getByLabel("Correlation id").fill(order);
      await page.getByLabel("No other send may have this id").check();
    };
    const to = recipient("01");
    await submit(to);
    await page.getByRole("button", { name: "Add a text" }).click();
    await page.getByLabel("Key 1", { exact: true }).fill("the shop");
    await page.getByLabel("Text of key 1", { exact: true }).fill("Berlin");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await expect(page.locator(".ant-form-item-explain-error")).toHaveText(/1 to 64 letters/);
    await page.getByLabel("Key 1", { exact: true }).fill("shop");
    await page.getByRole("button", { name: "Send", exact: true }).click();

    await expect(page).toHaveURL(/\/sends\/[0-9a-f-]{36}$/);
    const id = page.url().split("/").at(-1) ?? "";
    const facts = page.locator(".facts").last();
    await expect(facts.locator(".pairs")).toHaveText("shopBerlin");
    await expect(facts).toContainText(`${order} · unique`);

    await submit(recipient("01"));
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await expect(page.locator(".ant-form-item-explain-error")).toHaveText(`belongs to another send alone (${id})`);
    await page.getByLabel("No other send may have this id").uncheck();
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await expect(page).toHaveURL(/\/sends\/[0-9a-f-]{36}$/);

    await page.getByRole("link", { name: order }).click();
    await expect(page).toHaveURL(/sends\?correlation_id=/);
    await expect(page.getByRole("rowheader")).toHaveCount(2);
    const chip = page.getByRole("list", { name: "Filters" }).getByRole("listitem");
    await expect(chip).toHaveText([`Correlation id: ${order}`]);
    await page.getByRole("button", { name: /^Remove the filter Correlation id/ }).click();
    await page.getByRole("button", { name: "Add filter" }).click();
    await page.getByRole("menuitem", { name: "Correlation id" }).click();
    await expect(page.getByRole("combobox", { name: "Correlation id", exact: true })).toBeFocused();
    await page.keyboard.type(order);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("rowheader")).toHaveCount(2);
    await expect(page.getByRole("rowheader").last()).toHaveText(to);

    await page.keyboard.press("Escape");
    await page.getByRole("link", { name: "Overview" }).first().click();
    await expect(page.getByRole("heading", { name: "Overview", level: 1 })).toBeVisible();
    await page.keyboard.press("/");
    await page.keyboard.type(order);
    await page.getByRole("option", { name: `All sends with correlation id ${order}` }).click();
    await expect(page.getByRole("rowheader")).toHaveCount(2);
  });

  test.describe("in Chinese", () => {
    test.use({ locale: "zh-CN" });

    test("have Chinese words", async ({ page, api }) => {
      const policy = await api.policy([await api.rule()]);
      await page.goto(`sends/new?policy=${policy.id}`);
      await expect(page.getByRole("heading", { name: "供您自己的系统使用" })).toBeVisible();
      await page.getByLabel("关联 ID").fill("订单 7");
      await expect(page.getByLabel("其他发送不得独占此 ID")).toBeEnabled();
    });
  });
});

test("a send with rules of its own is shown, listed, counted and repeated without a policy", async ({
  page,
  request,
}) => {
  const order = unique("own");
  const rule = unique("Own rule");
  const answer = await request.post(new URL("/v1/sends", consoleURL()).href, {
    headers: { Authorization: `Bearer ${apiKey()}` },
    data: {
      to: recipient("04"),
      correlation_id: order,
      whatsapp: { text: "Your parcel comes today." },
      fallback: {
        text: "Parcel today.",
        rules: [{ name: rule, type: "undelivered", wait_seconds: 60, send_id: "ACME" }],
      },
    },
  });
  expect(answer.status()).toBe(202);
  const { id } = (await answer.json()) as { id: string };
  await page.goto(`sends/${id}`);
  await expect(page.getByRole("heading", { name: "Plan: Rules of its own" })).toBeVisible();
  await expect(page.locator(".verdict")).toContainText(`Rule “${rule}” sent the SMS`, { timeout: 20_000 });
  await expect(page.getByRole("heading", { level: 1 })).toContainText("By SMS");
  await page.getByRole("button", { name: "Send again" }).click();
  await expect(page.getByRole("dialog")).toContainText("A new send has the same texts and the same rules.");
  await page.getByRole("dialog").getByRole("button", { name: "Send again" }).click();
  await expect(page).not.toHaveURL(new RegExp(id));
  await expect(page.getByRole("heading", { name: "Plan: Rules of its own" })).toBeVisible();

  await page.goto(`sends?correlation_id=${encodeURIComponent(order)}`);
  await expect(page.getByRole("rowheader")).toHaveCount(2);
  await expect(page.getByRole("cell", { name: "Rules of its own" })).toHaveCount(2);
  await page.getByRole("button", { name: "Add filter" }).click();
  await page.getByRole("menuitem", { name: "Rules of its own" }).click();
  await expect(page).toHaveURL(/own_rules=true/);
  await expect(page.getByRole("rowheader")).toHaveCount(2);
  await page.getByRole("combobox", { name: "Rules of its own" }).click();
  await pick(page, "By a policy");
  await expect(page.getByText("No sends match these filters")).toBeVisible();

  await page.goto("");
  await page.getByRole("link", { name: "Rules of its own" }).first().click();
  await expect(page).toHaveURL(/own_rules=true/);
});

test("a send whose texts cannot be decrypted says why, and is in the list", async ({ page, api }) => {
  const to = recipient("01");
  const { id } = await api.send(await api.policy([await api.rule()]), to);
  const reason = 'key "k1" is missing in BACKSTOP_KEYRING';
  await page.route(`**/v1/sends/${id}/watch`, (route) => route.abort());
  await page.route(`**/v1/sends/${id}`, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), content_unreadable: reason } });
  });
  await page.goto(`sends/${id}`);
  await expect(page.getByText(`The texts of this send cannot be read, and nothing goes out: ${reason}`)).toBeVisible();
  await page.goto("sends");
  await expect(page.getByRole("rowheader", { name: to })).toBeVisible();
});
