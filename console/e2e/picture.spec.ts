// The picture of a policy says what happens: in time, and after a failure of WhatsApp. On a send it says what has happened.
import type { Page } from "@playwright/test";
import { expect, recipient, test } from "./test";

const pictureOf = (page: Page) => page.getByRole("figure", { name: "What happens, and when" });
const inTime = (page: Page) => pictureOf(page).getByRole("region", { name: "In time" }).getByRole("listitem");
const onFailure = (page: Page) => pictureOf(page).getByRole("region", { name: "On failure" }).getByRole("listitem");

async function choose(page: Page, country: string) {
  const select = pictureOf(page).getByLabel("For a recipient in");
  await select.fill(country);
  await page.keyboard.press("Enter");
}

test("a rule without a wait is no step in time, and a rule of one country is first only there", async ({
  page,
  api,
}) => {
  const local = await api.rule({ type: "undelivered", wait_seconds: undefined, send_id: "LOCAL", countries: ["GB"] });
  const timed = await api.rule({ type: "unread", wait_seconds: 60, send_id: "TIMED" });
  const policy = await api.policy([local, timed]);
  await page.goto(`policies/${policy.id}`);
  await expect(inTime(page)).toContainText(["Send by WhatsApp", "Not read: SMS from TIMED"]);
  await expect(onFailure(page)).toContainText(["SMS from LOCAL", "SMS from TIMED"]);
  await expect(onFailure(page).first()).toContainText("United Kingdom");
  await expect(onFailure(page).first()).toContainText("If this SMS fails, at once:");
  await expect(onFailure(page).last()).toContainText("no rule is left");

  await choose(page, "France");
  await expect(onFailure(page)).toHaveCount(1);
  await expect(onFailure(page)).toContainText(["SMS from TIMED"]);
  await choose(page, "Kingdom");
  await expect(onFailure(page)).toContainText(["SMS from LOCAL", "SMS from TIMED"]);
  await expect(onFailure(page).first()).not.toContainText("United Kingdom"); // the select says it
});

test("countries without a rule have a warning", async ({ page, api }) => {
  const rule = await api.rule({ type: "unread", wait_seconds: 60, countries: ["GB", "IE"] });
  const policy = await api.policy([rule]);
  await page.goto(`policies/${policy.id}`);
  await expect(inTime(page).last()).toContainText("United Kingdom");
  await expect(inTime(page).last()).toContainText("Ireland");
  await expect(pictureOf(page)).toContainText("No rule applies in the countries that no rule names");
  await choose(page, "Ireland");
  await expect(pictureOf(page).getByRole("alert")).toHaveCount(0);
  await choose(page, "France");
  await expect(pictureOf(page)).toContainText("No rule applies to recipients in France: sends to them are refused.");
  await expect(inTime(page)).toHaveCount(0);
});

test("a rule that only repeats a sender has a warning, a spare has none", async ({ page, api }) => {
  const [first, again, spare] = [
    await api.rule({ wait_seconds: 60 }),
    await api.rule({ wait_seconds: 60 }),
    await api.rule({ wait_seconds: 60, send_id: "SPARE" }),
  ];
  const policy = await api.policy([first, again, spare]);
  await page.goto(`policies/${policy.id}`);
  await expect(pictureOf(page).getByRole("alert")).toHaveCount(1);
  await expect(pictureOf(page).getByRole("alert")).toContainText(`“${again.name}” adds only a second SMS from ACME`);
  await expect(inTime(page).last()).toContainText(`only after the SMS of “${first.name}” has failed`);
});

test("a policy without a wait says when no SMS goes out", async ({ page, api }) => {
  const policy = await api.policy([await api.rule({ wait_seconds: undefined })]);
  await page.goto(`policies/${policy.id}`);
  await expect(pictureOf(page).getByRole("alert")).toContainText("No SMS goes out if WhatsApp reports neither");
});

for (const width of [1440, 390]) {
  test(`the line between two steps ends at the next one, at ${width} px`, async ({ page, api }) => {
    await page.setViewportSize({ width, height: 900 });
    const rules = [
      await api.rule({ type: "send_failed", wait_seconds: 1, name: `W${Date.now()}${"w".repeat(48)}` }),
      await api.rule({ type: "unread", wait_seconds: 60 }),
      await api.rule({ type: "unread", wait_seconds: 2_592_000 }),
    ];
    const policy = await api.policy(rules);
    await page.goto(`policies/${policy.id}`);
    await pictureOf(page).waitFor();
    for (const [lane, count] of [
      [".picture-stops", 4],
      [".picture-chain", 3],
    ] as const) {
      const gaps = await page.locator(`${lane} li`).evaluateAll((stops) =>
        stops.slice(0, -1).map((stop, i) => {
          const line = getComputedStyle(stop, "::after");
          const end = stop.getBoundingClientRect().top + Number.parseFloat(line.top) + Number.parseFloat(line.height);
          const next = stops[i + 1]?.querySelector(".picture-dot")?.getBoundingClientRect().top ?? 0;
          return Math.round(next - end) + 0; // not -0
        }),
      );
      expect(gaps, lane).toEqual(Array(count - 1).fill(0));
    }
  });
}

test("on a send the rule that fired is marked in its lane", async ({ page, api }) => {
  const [timed, spare] = [await api.rule({ type: "unread", wait_seconds: 2 }), await api.rule({ send_id: "LATER" })];
  const policy = await api.policy([timed, spare]);
  const send = await api.send(policy, recipient("02")); // delivered, not read
  await expect.poll(async () => (await api.get(send)).outcome, { timeout: 30_000 }).toBe("sms");
  await page.goto(`sends/${send.id}`);
  await expect(inTime(page).nth(1)).toContainText(/SMS delivered after \d s/);
  await expect(inTime(page).last()).toContainText(spare.name);
  await expect(pictureOf(page).getByText("SMS delivered")).toHaveCount(1);
});

test("on a send a failure of WhatsApp marks the rules after it, and a live send shows where it is", async ({
  page,
  api,
}) => {
  const [first, second] = [
    await api.rule({ wait_seconds: 3600 }),
    await api.rule({ wait_seconds: 7200, send_id: "SPARE" }),
  ];
  const policy = await api.policy([first, second]);
  const rejected = await api.send(policy, recipient("19")); // the SMS of the first sender fails
  await expect.poll(async () => (await api.get(rejected)).outcome, { timeout: 30_000 }).toBe("sms");
  await page.goto(`sends/${rejected.id}`);
  await expect(onFailure(page).first()).toContainText("SMS failed");
  await expect(onFailure(page).last()).toContainText("SMS delivered");
  await expect(inTime(page).getByText("Now")).toHaveCount(0);

  const waiting = await api.send(policy, recipient("03"));
  await page.goto(`sends/${waiting.id}`);
  await expect(inTime(page)).toContainText(["Send by WhatsApp", "Now", "1 h", "2 h"]);
});
