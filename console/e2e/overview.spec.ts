import AxeBuilder from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";
import { answers, expect, test } from "./test";
import { type API, riseOf, second, sendAll } from "./traffic";

const tile = (page: Page, name: string) => page.locator(".tile").filter({ has: page.getByText(name, { exact: true }) });
const part = (page: Page, name: string) =>
  page.getByRole("region", { name: "What became of the sends" }).getByRole("link", { name });
const cellsOf = (page: Page, table: string, row: string) =>
  page.getByRole("region", { name: table }).getByRole("row").filter({ hasText: row }).getByRole("cell");
const listed = (page: Page) => page.locator("main tbody tr.ant-table-row");

/** opens clicks a link and expects a list of so many sends. Then it goes back. */
async function opens(page: Page, link: Locator, count: number): Promise<void> {
  await link.click();
  await expect(page.getByRole("heading", { name: "Sends", level: 1 })).toBeVisible();
  await expect(listed(page)).toHaveCount(count);
  await page.goBack();
  await expect(page.getByRole("heading", { name: "Overview", level: 1 })).toBeVisible();
}

let senders = 0;

/** ownSender returns a sender ID that no other test uses. */
function ownSender(): string {
  senders += 1;
  return `S${Date.now().toString(36).slice(-7)}${senders}${process.env.TEST_PARALLEL_INDEX ?? ""}`.slice(0, 11);
}

/** mixed sends 7 messages: 3 by WhatsApp, 3 by SMS (2 after a failure, 1 because it is not read), 1 reaches nobody. */
async function mixed(api: API) {
  const sender = ownSender();
  const rule = await api.rule({ type: "unread", wait_seconds: 5, send_id: sender });
  const policy = await api.policy([rule]);
  await sendAll(api, policy, ["01", "01", "01", "04", "05", "02", "14"]);
  return { rule, policy, sender };
}

test("the numbers match the sends, and each opens its sends", async ({ page, api }) => {
  test.setTimeout(300 * second);
  const { policy, rule, sender } = await mixed(api);
  await page.goto(`?policy=${policy.id}&range=hour`);
  await expect(page.getByRole("link", { name: "7 sends accepted" })).toBeVisible();
  await expect(tile(page, "Fallback rate")).toContainText("57.1%");
  await expect(tile(page, "Time to delivery, p95")).toContainText(/[0-9] s/);

  const legend = page.getByRole("region", { name: "What became of the sends" }).getByRole("listitem");
  await expect(legend).toHaveText([/42\.[89]% ?3$/, /42\.[89]% ?3$/, /0\.0% ?0$/, /14\.3% ?1$/, /0\.0% ?0$/]);
  const shares = (await legend.locator("strong").allTextContents()).map((text) => Number.parseFloat(text));
  expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(100, 5);

  await opens(page, page.getByRole("link", { name: "7 sends accepted" }), 7);
  await opens(page, part(page, "Reached by WhatsApp"), 3);
  await opens(page, part(page, "Reached by SMS"), 3);
  await opens(page, part(page, "Not reached"), 1);
  await opens(page, page.locator(".headline-bar a").nth(1), 3);
  await opens(page, tile(page, "Fallback rate").getByRole("link"), 4);
  await opens(page, page.getByRole("listitem").getByRole("link", { name: /^WhatsApp failed permanently/ }), 3);

  const policies = cellsOf(page, "Fallback rate by policy", policy.name);
  await expect(policies).toContainText(["7", "4", "57.1%"]);
  await opens(page, policies.nth(0).getByRole("link"), 7);
  await opens(page, policies.nth(1).getByRole("link"), 4);
  await opens(page, policies.nth(2), 7); // anywhere in the row

  const tab = (name: string) =>
    page.getByRole("navigation", { name: "In detail" }).getByRole("link", { name, exact: true }).click();
  await tab("Rule");
  await opens(page, cellsOf(page, "Fallback rate by rule", rule.name).nth(1).getByRole("link"), 4);
  await expect(page).toHaveURL(/table=rule/);
  await tab("Reason");
  await opens(page, cellsOf(page, "Why sends fell back", "Not read in time").nth(1).getByRole("link"), 1);
  await tab("Country");
  await opens(page, cellsOf(page, "Fallback rate by country", "United Kingdom").nth(1).getByRole("link"), 4);
  // A rule that fires because WhatsApp failed has missed nothing: 4 SMS, 1 message that was not read.
  await tab("Type of rule");
  const types = cellsOf(page, "Missed conditions by type", "Not read in time");
  await expect(types).toContainText(["7", "1", "14.3%"]);
  await opens(page, types.nth(1).getByRole("link"), 1);
  await opens(page, types.nth(4).getByRole("link"), 4);

  await tab("Sender and account");
  await expect(page.getByText(`${sender} by twilio fails most: 1 of 4 SMS failed (25.0%)`)).toContainText(
    ", 1 of them in United Kingdom, most often with 30003",
  );
  const results = cellsOf(page, "Results of the SMS by sender and account", sender);
  await opens(page, results.nth(1).getByRole("link"), 4);
  await opens(page, results.nth(2).getByRole("link"), 3);
  await opens(page, results.nth(3).getByRole("link"), 1);
  await opens(page, results.nth(6).getByRole("link"), 1);
  await page.getByRole("button", { name: "By country" }).click();
  await opens(
    page,
    cellsOf(page, "Results of the SMS by sender and account", "United Kingdom").nth(2).getByRole("link"),
    3,
  );
  await tab("Error code");
  await opens(page, cellsOf(page, "Error codes", "131026").nth(1).getByRole("link"), 3);
  await opens(page, cellsOf(page, "Error codes", "30003").nth(1).getByRole("link"), 1);

  await page.getByText("7 days", { exact: true }).click();
  await expect(page).toHaveURL(/range=week/);
  await expect(page.getByRole("link", { name: "7 sends accepted" })).toBeVisible();
});

test("the fallback rate over time opens the sends of a bar, of a reason, and by the keyboard", async ({
  page,
  api,
}) => {
  const policy = await api.policy([await api.rule({ type: "send_failed" })]);
  await sendAll(api, policy, ["01", "04", "04"]);
  await page.goto(`?policy=${policy.id}&range=hour`);
  const chart = page.getByRole("img", { name: "Fallback rate over time" });
  await expect(chart).toHaveAccessibleDescription(/^The highest rate: [0-9.]+% of [1-3] sends/);
  const bar = chart.locator(".recharts-bar-rectangle path").first(); // a reason's part of a rate
  await bar.hover();
  await expect(page.locator(".breakdown")).toContainText(/Fallbacks [12][0-9.]+%Sends[1-3]/);
  await expect(page.locator(".breakdown")).toContainText(/GMT|BST/);
  const fallbacks = Number(await page.locator(".breakdown-total .breakdown-count").first().textContent());
  await bar.click();
  await expect(page).toHaveURL(/\/sends\?.*reason=failed/);
  expect(new URL(page.url()).searchParams.get("policy")).toBe(policy.id);
  await expect(listed(page)).toHaveCount(fallbacks);
  await page.goBack();

  await page.getByText("Outcomes", { exact: true }).click();
  await expect(page).toHaveURL(/chart=outcomes/);
  await expect(page.getByRole("img", { name: "Outcomes over time" })).toHaveAccessibleDescription(/^3 sends/);
  await page.locator(".figure").getByText("Fallback rate", { exact: true }).click();

  await page.getByRole("button", { name: "Show as table" }).click();
  const table = page.getByRole("region", { name: "Fallback rate over time" });
  const number = table.getByRole("row").nth(1).getByRole("cell").nth(0).getByRole("link");
  const sends = Number(await number.textContent());
  await number.press("Enter");
  await expect(listed(page)).toHaveCount(sends);
});

test("a drag over the chart zooms into its range", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await sendAll(api, policy, ["01"]);
  await page.goto(`?policy=${policy.id}&range=hour`);
  const chart = page.getByRole("img", { name: "Fallback rate over time" });
  const box = await chart.boundingBox();
  if (!box) {
    throw new Error("the chart has no place");
  }
  await page.mouse.move(box.x + box.width / 2, box.y + 100);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 60, box.y + 100, { steps: 5 });
  await page.mouse.move(box.x + box.width - 8, box.y + 100, { steps: 5 });
  await page.mouse.up();
  await expect(page).toHaveURL(/from=/);
  const params = new URL(page.url()).searchParams;
  const minutes = (Date.now() - Date.parse(params.get("from") ?? "")) / 60_000;
  expect(minutes).toBeGreaterThan(25);
  expect(minutes).toBeLessThan(35);
  expect(params.has("until")).toBe(false); // to the end of a range that moves: until now
  await expect(page.getByRole("link", { name: "1 send accepted" })).toBeVisible();
});

test("what changed names the largest cause, and opens its sends in both ranges", async ({ page, api }) => {
  const { policy, path } = await riseOf(api);
  await page.goto(path);
  await expect(
    page.getByText(
      `The fallback rate rose by 50.0 points, from 25.0% to 75.0%; 50.0 points of it: ${policy.name}, United Kingdom, WhatsApp failed permanently with 131026.`,
    ),
  ).toBeVisible();
  const unreached = page.getByRole("listitem").filter({ hasText: "Not reached" });
  await expect(unreached.locator(".change-worse")).toContainText("25.0 points");
  const rate = tile(page, "Fallback rate");
  await expect(rate).toContainText("50.0 points worse");
  await expect(rate).toContainText("before: 25.0%");
  await expect(rate.getByRole("img", { name: "up" })).toBeVisible();
  const row = page.getByRole("region", { name: "What changed" }).getByRole("row").filter({ hasText: policy.name });
  await opens(page, row.getByRole("rowheader").getByRole("link"), 3);
  await opens(page, row.getByRole("link", { name: "1", exact: true }), 1);
  await opens(page, row.getByRole("link", { name: "3", exact: true }), 3);
  await opens(page, row.getByText("United Kingdom"), 3);
  await expect(cellsOf(page, "Fallback rate by policy", policy.name).nth(3)).toContainText("50.0 points");
});

test("without a change, and without sends before, the page is calm", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await sendAll(api, policy, ["01"]);
  await page.goto(`?policy=${policy.id}&range=hour`);
  await expect(page.getByText("There were no sends in the range before")).toBeVisible();
  await expect(tile(page, "Fallback rate")).not.toContainText("before");
  await expect(page.getByRole("region", { name: "What changed" })).toBeHidden();
});

test("the statistics of messages are asked for only when their table is shown", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await sendAll(api, policy, ["01"]);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(`?policy=${policy.id}&range=hour`);
  await expect(page.getByRole("region", { name: "Fallback rate by policy" })).toBeVisible();
  await page.waitForLoadState("networkidle");
  expect(asked).toContain("/v1/stats/changes");
  expect(asked).not.toContain("/v1/stats/messages");
  await page.getByRole("link", { name: "Sender and account" }).click();
  await expect(page.getByText("No SMS in this range")).toBeVisible();
  expect(asked).toContain("/v1/stats/messages");
});

test("the former numbers stay, dimmed, while a new range loads", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await sendAll(api, policy, ["01"]);
  await page.goto(`?policy=${policy.id}&range=hour`);
  await expect(page.getByRole("link", { name: "1 send accepted" })).toBeVisible();
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route("**/v1/stats?**", async (route) => {
    await released;
    await route.continue();
  });
  await page.getByText("7 days", { exact: true }).click();
  await expect(page.locator(".former").first()).toContainText("1 send accepted");
  release();
  await expect(page.locator(".former")).toHaveCount(0);
  await expect(page.getByRole("link", { name: "1 send accepted" })).toBeVisible();
});

test("the numbers are shown before the charts and tables are loaded", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await sendAll(api, policy, ["01"]);
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(/(OverTime|Details|Changes)-.*\.js/, async (route) => {
    await released;
    await route.continue();
  });
  await page.goto(`?policy=${policy.id}&range=hour`);
  await expect(part(page, "Reached by WhatsApp")).toContainText("100.0%");
  await expect(tile(page, "Fallback rate")).toContainText("0.0%");
  release();
  await expect(page.getByRole("img", { name: "Fallback rate over time" })).toBeVisible();
});

test.describe("with an error of one part", () => {
  test.use({ mayFail: answers(500) });

  test("the rest of the page stays", async ({ page, api }) => {
    const policy = await api.policy([await api.rule()]);
    await sendAll(api, policy, ["01"]);
    let fails = true;
    await page.route("**/v1/stats/changes**", (route) => {
      if (!fails) {
        return route.continue();
      }
      const problem = { type: "x", title: "x", status: 500, code: "internal", detail: "internal error", instance: "/" };
      return route.fulfill({ status: 500, json: { ...problem, request_id: "1" } });
    });
    await page.goto(`?policy=${policy.id}&range=hour`);
    const changes = page.locator(".changes");
    await expect(changes.getByRole("alert")).toContainText("internal error");
    await expect(part(page, "Reached by WhatsApp")).toContainText("100.0%");
    await expect(page.getByRole("region", { name: "Fallback rate by policy" })).toBeVisible();
    const again = changes.getByRole("button", { name: "Try again" });
    await again.focus();
    fails = false;
    await page.keyboard.press("Enter"); // not a click: the parts above may still move the button
    await expect(page.getByText("There were no sends in the range before")).toBeVisible();
  });
});

test.describe("a range that is too long", () => {
  test.use({ mayFail: answers(422) });

  test("shows the API's reason", async ({ page }) => {
    await page.goto("?from=2026-01-01T00:00:00.000Z&until=2026-06-01T00:00:00.000Z");
    await expect(page.getByRole("alert")).toContainText("92 days");
    await page.getByText("24 hours", { exact: true }).click();
    await expect(page.getByRole("alert")).toBeHidden();
  });
});

test("a range without sends shows what to do first", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await page.goto(`?policy=${policy.id}`);
  await expect(page.getByText("No sends in this range")).toBeVisible();
  await page.getByRole("link", { name: "New send" }).click();
  await expect(page.getByRole("heading", { name: "New send", level: 1 })).toBeVisible();
});

for (const look of [
  { width: 1440, dark: false, locale: "en-GB" },
  { width: 390, dark: true, locale: "zh-CN" },
]) {
  test.describe(`at ${look.width} px`, () => {
    test.use({
      viewport: { width: look.width, height: 900 },
      colorScheme: look.dark ? "dark" : "light",
      locale: look.locale,
    });

    test("every table is accessible and fits", async ({ page, api }) => {
      test.setTimeout(300 * second);
      const { path } = await riseOf(api);
      for (const table of ["policy", "rule", "sender", "country", "reason", "code", "type", "time"]) {
        await page.goto(`${path}&table=${table}${table === "rule" ? "&chart=outcomes" : ""}`);
        await page.locator(".tabs ~ * table").waitFor();
        await page.locator(".changes table").waitFor();
        await page.locator(".bars").waitFor();
        await page.waitForLoadState("networkidle");
        const shot = `e2e/.results/look/overview-${table}-${look.width}.png`;
        await page.screenshot({ path: shot, fullPage: true, animations: "disabled" });
        const { violations } = await new AxeBuilder({ page })
          .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
          .analyze();
        expect
          .soft(
            violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`),
            table,
          )
          .toEqual([]);
        const sideways = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect.soft(sideways, table).toBeLessThanOrEqual(0);
      }
    });
  });
}
