// Long names, and the widths of columns: the actions, the numbers and the percentages stay in view.
import type { Locator, Page } from "@playwright/test";
import { expect, pick, recipient, test, unique } from "./test";

const longest = 64; // characters of a name

/** longName returns a name of 64 characters without a space. */
function longName(letter: string): string {
  return unique("").trim().padStart(longest, letter);
}

/** expectInView expects that the whole element is between the left and the right edge of the window. */
async function expectInView(page: Page, element: Locator): Promise<void> {
  await element.scrollIntoViewIfNeeded();
  await page.evaluate(() => {
    for (const part of document.querySelectorAll("*")) {
      part.scrollLeft = 0; // nobody has scrolled to the side
    }
  });
  const box = await element.boundingBox();
  const width = page.viewportSize()?.width ?? 0;
  expect(box?.x, "the left edge").toBeGreaterThanOrEqual(0);
  expect((box?.x ?? 0) + (box?.width ?? 0), "the right edge").toBeLessThanOrEqual(width);
}

/** sideways returns how many pixels of the page are beside the window. */
function sideways(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** rowTitles are the heads of the rows of a list, or the titles of its cards. */
function rowTitles(page: Page): Locator {
  return page.getByRole("rowheader").or(page.getByRole("main").getByRole("heading", { level: 2 }));
}

for (const width of [1440, 390]) {
  test.describe(`at ${width} px`, () => {
    test.use({ viewport: { width, height: 900 } });

    test("the actions stay in view with ordinary rules", async ({ page, api }) => {
      const rule = await api.rule({
        name: unique("Parcel delivery reminder, Europe"),
        countries: ["GB", "IE", "FR", "DE"],
      });
      for (const name of [
        "Deliveries of the week, all shops",
        "Reminders of the shop in town",
        "Returns and refunds",
      ]) {
        await api.policy([rule], unique(name));
      }
      await page.goto(`rules?search=${encodeURIComponent(rule.name)}`);
      await expectInView(page, page.getByRole("button", { name: `Edit ${rule.name}` }));
      await expectInView(page, page.getByRole("button", { name: `Delete ${rule.name}` }));
    });

    test("a name of 64 characters moves nothing out of view", async ({ page, api }) => {
      const rule = await api.rule({ name: longName("R"), type: "unread", wait_seconds: 2 });
      const spare = await api.rule({ name: longName("S") });
      const policy = await api.policy([rule, spare], longName("P"));
      const to = recipient("02");
      const send = await api.send(policy, to);
      await expect.poll(async () => (await api.get(send)).outcome, { timeout: 20_000 }).toBe("sms");

      for (const [path, { name }] of [
        ["rules", rule],
        ["policies", policy],
      ] as const) {
        await page.goto(`${path}?search=${name}`);
        await expectInView(page, page.getByRole("button", { name: `Edit ${name}` }));
        await expectInView(page, page.getByRole("button", { name: `Delete ${name}` }));
        await expect(rowTitles(page).getByTitle(name, { exact: true })).toBeVisible();
        expect(await sideways(page), path).toBeLessThanOrEqual(0);
      }

      for (const table of ["policy", "rule"]) {
        await page.goto(`?policy=${policy.id}&range=hour&table=${table}`);
        const region = page.getByRole("region", { name: `Fallback rate by ${table}` });
        const cells = region.getByRole("row").nth(1).getByRole("cell");
        await expect(cells).toHaveCount(width < 576 ? 3 : 4); // in a narrow window the change is below the rate
        for (const cell of await cells.all()) {
          await expectInView(page, cell);
        }
        expect(await sideways(page), table).toBeLessThanOrEqual(0);
      }

      await page.goto(`sends/${send.id}`);
      await expect(page.getByRole("main").getByText(rule.name).first()).toBeVisible();
      expect(await sideways(page), "the send").toBeLessThanOrEqual(0);
      for (const card of await page.locator(".columns .ant-card").all()) {
        await expectInView(page, card);
      }
      await page.goto(`sends?policy=${policy.id}`);
      await expect(page.getByRole("main").getByTitle(policy.name, { exact: true }).last()).toBeVisible();
      await expectInView(page, page.getByRole("link", { name: to }));
    });

    test("the bars of a table have one width, and no percentage is cut off", async ({ page, api }) => {
      const [often, never, third] = [
        await api.policy([await api.rule()]),
        await api.policy([await api.rule()]),
        await api.policy([await api.rule()]),
      ];
      const sends = await Promise.all([
        // Several of each, because the answer has only the policies with the most sends.
        ...["04", "04", "04", "04", "04", "04"].map((scenario) => api.send(often, recipient(scenario))),
        ...["01", "01", "01", "01", "01", "01"].map((scenario) => api.send(never, recipient(scenario))),
        ...["04", "04", "01", "01", "01", "01"].map((scenario) => api.send(third, recipient(scenario))),
      ]);
      for (const send of sends) {
        await expect.poll(async () => (await api.get(send)).outcome, { timeout: 20_000 }).not.toBe("pending");
      }
      // The answer has other sends too. These rows have the shares that matter.
      await page.route("**/v1/stats?**", async (route) => {
        const answer = await route.fetch();
        const stats = await answer.json();
        const mine = [often, never, third].map(({ id }) => id);
        stats.by_policy = stats.by_policy.filter((row: { id: string }) => mine.includes(row.id));
        await route.fulfill({ response: answer, json: stats });
      });
      await page.goto("?range=hour");
      const table = page.getByRole("region", { name: "Fallback rate by policy" });
      await expect(table.getByRole("row")).toHaveCount(4);
      await expect(table).toContainText("33.3%");
      const widths = await table
        .locator(".rate-track")
        .evaluateAll((tracks) => tracks.map((track) => Math.round(track.getBoundingClientRect().width)));
      expect(new Set(widths).size, `the widths ${widths}`).toBe(1);
      expect(widths[0]).toBeGreaterThanOrEqual(40);
      for (const text of ["33.3%", "100.0%"]) {
        await expectInView(page, table.getByText(text, { exact: true }));
        const edges = await table.evaluate((section, wanted) => {
          const range = document.createRange();
          const texts = document.createTreeWalker(section, NodeFilter.SHOW_TEXT);
          while (texts.nextNode()) {
            if (texts.currentNode.textContent === wanted) {
              range.selectNodeContents(texts.currentNode);
            }
          }
          const lines = range.getClientRects().length;
          return { lines, text: range.getBoundingClientRect().right, table: section.getBoundingClientRect().right };
        }, text);
        expect(edges.lines, text).toBe(1);
        expect(edges.text, text).toBeLessThanOrEqual(edges.table);
      }
    });
  });
}

test.describe("lists at 390 px", () => {
  test.use({ viewport: { width: 390, height: 844 } });

  test("times of another day, which have a date, and long names fit into the cards", async ({ page, api }) => {
    const policy = await api.policy([await api.rule()]);
    await api.rule({ name: longName("R") }); // page 1 of the audit has it
    await api.key({ expires_at: new Date(Date.now() + 40 * 86_400_000).toISOString() });
    await api.optOut(recipient("01"));
    await api.message();
    await api.send(policy, recipient("01"));
    await page.route("**/v1/**", async (route) => {
      const answer = await route.fetch();
      const body = (await answer.text()).replace(/"[0-9-]{10}T[0-9:.]+Z"/g, '"2025-09-28T22:58:58.888Z"');
      await route.fulfill({ response: answer, body });
    });
    for (const path of ["rules", "policies", "sends", "messages", "opt-outs", "audit", "api-keys", "sessions"]) {
      await page.goto(path);
      await expect(page.getByRole("main").getByRole("heading", { level: 2 }).first()).toBeVisible();
      await expect(page.locator("main time").first(), path).toBeVisible();
      expect(await sideways(page), path).toBeLessThanOrEqual(0);
    }
  });

  /** expectTouchable expects that a finger can hit what is shown: at least 44 px each way. */
  async function expectTouchable(targets: Locator): Promise<void> {
    const wanted = 41.5; // a field of 44 px has a border of 1 px, and the buttons in it are inside
    await expect(targets.first()).toBeVisible();
    for (const target of await targets.all()) {
      if (await target.isVisible()) {
        const box = await target.boundingBox();
        const name = await target.evaluate((element) => element.getAttribute("aria-label") ?? element.textContent);
        expect(box?.height, `the height of ${name}`).toBeGreaterThanOrEqual(wanted);
        expect(box?.width, `the width of ${name}`).toBeGreaterThanOrEqual(wanted);
      }
    }
  }

  test("rules, policies and sends are cards, and what can be pressed has 44 px", async ({ page, api }) => {
    const rule = await api.rule({ type: "unread", wait_seconds: 2, countries: ["GB", "FR"] });
    const policy = await api.policy([rule]);
    const send = await api.send(policy, recipient("02"));
    await expect.poll(async () => (await api.get(send)).outcome, { timeout: 20_000 }).toBe("sms");
    for (const [path, title, line] of [
      [`rules?search=${encodeURIComponent(rule.name)}`, rule.name, "2 s"],
      [`policies?search=${encodeURIComponent(policy.name)}`, policy.name, rule.name],
      [`sends?policy=${policy.id}`, (await api.get(send)).to, policy.name],
    ] as const) {
      await page.goto(path);
      const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { level: 2, name: title }) });
      await expect(card).toHaveCount(1);
      await expect(card).toContainText(line);
      await expect(page.getByRole("table")).toHaveCount(0);
      expect(await sideways(page), path).toBeLessThanOrEqual(0);
      await expectTouchable(page.getByRole("main").getByRole("button"));
      await expectTouchable(page.getByRole("banner").getByRole("button"));
    }
    const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { level: 2 }) });
    await expect(card).toContainText("By SMS");
    await card.click({ position: { x: 150, y: 90 } }); // anywhere
    await expect(page).toHaveURL(new RegExp(`/sends/${send.id}$`));
  });

  test("the filters are behind one button with their number, and the order is beside the cards", async ({
    page,
    api,
  }) => {
    const policy = await api.policy([await api.rule()]);
    const [first, second] = [recipient("01"), recipient("04")];
    await expect.poll(async () => (await api.get(await api.send(policy, first))).to).toBe(first);
    const failed = await api.send(policy, second);
    await expect.poll(async () => (await api.get(failed)).outcome, { timeout: 20_000 }).toBe("sms");
    await page.goto(`sends?policy=${policy.id}`);
    const titles = page.getByRole("main").getByRole("heading", { level: 2 });
    await expect(titles).toHaveText([second, first]);
    await page.getByRole("combobox", { name: "Order" }).click();
    await pick(page, "Oldest first");
    await expect(titles).toHaveText([first, second]);

    await expect(page.getByLabel("Outcome", { exact: true })).toBeHidden();
    await page.getByRole("button", { name: "Filters, 1 active" }).click();
    const drawer = page.getByRole("dialog", { name: "Filters" });
    await drawer.getByLabel("Outcome", { exact: true }).click();
    await pick(page, "By SMS");
    await page.keyboard.press("Escape");
    await expect(drawer).toBeVisible();
    await expectTouchable(drawer.getByRole("button"));
    await drawer.getByRole("button", { name: "Show results" }).click();
    await expect(drawer).toBeHidden();
    await expect(titles).toHaveText([second]);
    await expect(page.getByRole("button", { name: "Filters, 2 active" })).toBeVisible();
    await page.getByRole("button", { name: "Remove the filter Outcome: By SMS" }).click();
    await expect(titles).toHaveText([first, second]);
  });
});
