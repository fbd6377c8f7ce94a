// A screenshot and an accessibility check (axe) of each page: light and dark, wide and narrow, in both languages. The
// screenshots are in e2e/.results/look.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { answers, expect, recipient, test } from "./test";

const wcag = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const looks = [
  { name: "light-1440", width: 1440, dark: false, locale: "en-GB" },
  { name: "dark-1440", width: 1440, dark: true, locale: "en-GB" },
  { name: "light-390", width: 390, dark: false, locale: "en-GB" },
  { name: "dark-390-zh", width: 390, dark: true, locale: "zh-CN" },
];

async function check(page: Page, name: string, look: string) {
  await page.screenshot({ path: `e2e/.results/look/${name}-${look}.png`, fullPage: true, animations: "disabled" });
  const { violations } = await new AxeBuilder({ page }).withTags(wcag).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join("\n")}`);
  expect.soft(found, `${name}, ${look}`).toEqual([]);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect.soft(overflow, `${name}, ${look}: pixels to the side`).toBeLessThanOrEqual(0);
}

for (const look of looks) {
  test.describe(look.name, () => {
    test.use({
      viewport: { width: look.width, height: 900 },
      colorScheme: look.dark ? "dark" : "light",
      locale: look.locale,
      mayFail: answers(400, 401),
    });

    test("every page", async ({ page, api, context }) => {
      test.setTimeout(600_000); // some 50 pages: 4 s each on an idle machine, twice as long on a busy one
      const rules = [
        await api.rule({ type: "unread", wait_seconds: 3, countries: ["GB", "IE", "FR", "DE"] }),
        await api.rule({ wait_seconds: 3600 }),
      ];
      const account = await api.account();
      const routed = await api.rule({
        type: "send_failed",
        wait_seconds: 0,
        routes: [{ account: account.name }, { account: "twilio" }],
      });
      const policy = await api.policy(rules);
      const message = await api.message();
      await api.key({ policies: [policy.id], accounts: [account.name], rate_limit: 50 });
      const fallen = await api.send(policy, recipient("02"));
      await Promise.all(["01", "04", "05", "13", "16"].map((scenario) => api.send(policy, recipient(scenario))));
      await expect.poll(async () => (await api.get(fallen)).outcome, { timeout: 30_000 }).toBe("sms");
      const waiting = await api.send(await api.policy([await api.rule()]), recipient("03"));

      const settle = async () => {
        await page.locator("main h1").waitFor();
        await page.waitForLoadState("networkidle");
      };
      for (const [name, path] of Object.entries({
        overview: "",
        rules: "rules",
        policies: "policies",
        sends: "sends",
        accounts: "accounts",
        account: `accounts/${account.name}`,
        "account-number": "accounts/meta",
        templates: "templates",
        "templates-none": "templates?search=nothing-has-this-name",
        callbacks: "callbacks",
        messages: "messages",
        message: `messages/${message.id}`,
        "new-send-message": `sends/new?policy=${policy.id}&message=${message.id}`,
        "opt-outs": "opt-outs",
        "opt-outs-none": "opt-outs?to=%2B447400999999",
        guards: "guards",
        audit: "audit",
        "audit-none": "audit?search=nothing-of-this-name",
        persons: "persons",
        "api-keys": "api-keys",
        sessions: "sessions",
        start: "start",
        rule: `rules/${rules[0]?.id}`,
        policy: `policies/${policy.id}`,
        "rules-filtered": "rules?type=unread&country=GB&sort=name",
        "new-send": `sends/new?policy=${policy.id}`,
        "new-send-template": `sends/new?policy=${policy.id}&account=meta&template=parcel_photo&language=en_US`,
        "rules-empty": "rules?search=nothing-has-this-name",
        "no-such-send": "sends/no-uuid",
        "recipient-refused": "sends?to=0740",
      })) {
        await page.goto(path);
        await settle();
        await check(page, name, look.name);
      }
      await page.goto("sends/new");
      await page.locator('input[type="radio"][value="send"]').check();
      await page.locator(".own-rules > button").click();
      await settle();
      await check(page, "new-send-own-rules", look.name);
      await page.goto(`sends?policy=${policy.id}&range=hour&outcome=sms,failed&reason=not_read`);
      await settle();
      await check(page, "sends-filtered", look.name);
      if (look.width < 640) {
        await page.locator(".filter-button").click();
        await page.getByRole("dialog").waitFor();
        await check(page, "filter-drawer", look.name);
        await page.goto("sends");
        await settle();
      }
      await page.keyboard.press("/");
      await page.locator(".search-field:focus-within").waitFor();
      await check(page, "search-empty", look.name);
      for (const [name, text] of Object.entries({ "search-found": policy.name, "search-nothing": "no such thing" })) {
        await page.keyboard.type(text);
        await page.locator(name === "search-found" ? ".search-option" : ".search-nothing").waitFor();
        await check(page, name, look.name);
        await page.keyboard.press("Escape"); // empties the field
      }
      for (const [name, send] of Object.entries({ "send-fallen-back": fallen, "send-waiting": waiting })) {
        await page.goto(`sends/${send.id}`);
        await page.locator(".connection.live").waitFor();
        await check(page, name, look.name);
      }
      for (const [name, path] of [
        ["rule-dialog", `rules?search=${rules[0]?.name}`],
        ["rule-dialog-accounts", `rules?search=${routed.name}`],
        ["account-dialog", `accounts?search=${account.name}`],
        ["policy-dialog", `policies?search=${policy.name}`],
      ] as const) {
        await page.goto(path);
        await page.locator("main .anticon-edit").first().click();
        await page.getByRole("dialog").waitFor();
        await check(page, name, look.name);
      }
      await page.goto("api-keys");
      await page.locator("main .anticon-plus").first().click();
      await page.getByRole("dialog").waitFor();
      await check(page, "key-dialog", look.name);
      await page.goto("accounts");
      await page.locator("main .anticon-plus").first().click();
      await page.locator(".provider-cards button").first().waitFor();
      await check(page, "provider-choice", look.name);
      await page.goto(`policies?search=${policy.name}`);
      await page.locator("main .anticon-edit").first().click();
      await page.getByRole("dialog").locator("input").first().fill("Typed");
      await page.keyboard.press("Escape");
      await expect(page.getByRole("dialog")).toHaveCount(2);
      await check(page, "discard-question", look.name);
      await page.goto("rules");
      await page.locator("main .anticon-delete").first().click();
      await page.getByRole("dialog").waitFor();
      await check(page, "delete-dialog", look.name);
      await page.keyboard.press("Escape");
      await context.clearCookies();
      await page.locator("main .anticon-edit").first().click();
      await page.locator("form#rule").evaluate((form) => (form as HTMLFormElement).requestSubmit());
      await page.locator("input[type=password]").waitFor();
      await check(page, "sign-in-again", look.name);
      await page.goto("");
      await page.locator("input").waitFor();
      await check(page, "sign-in", look.name);
    });
  });
}
