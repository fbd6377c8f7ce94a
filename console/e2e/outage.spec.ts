// An outage: the pages keep what they have, and go on trying.
import type { Page } from "@playwright/test";
import { answers, expect, recipient, test } from "./test";

test.use({ mayFail: /net::ERR_/ });

const notice = (page: Page) => page.getByText(/^Not connected since [0-9]{2}:[0-9]{2}:[0-9]{2}; trying again/);

test.afterEach(async ({ page }) => page.unrouteAll({ behavior: "ignoreErrors" }));

test("the overview keeps its numbers while the server is away", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const send = await api.send(policy, recipient("01"));
  await expect.poll(async () => (await api.get(send)).outcome, { timeout: 20_000 }).toBe("whatsapp");
  await page.goto(`?policy=${policy.id}&range=hour`);
  const sends = page.getByRole("link", { name: "1 send accepted" });
  await expect(sends).toBeVisible();
  await page.route("**/v1/**", (route) => route.abort("connectionrefused"));
  await expect(notice(page)).toBeVisible({ timeout: 20_000 });
  await page.waitForTimeout(20_000); // two more refreshes
  await expect(sends).toBeVisible();
  await expect(notice(page)).toBeVisible();
  await page.unrouteAll();
  await expect(notice(page)).toBeHidden({ timeout: 35_000 });
  await expect(sends).toBeVisible();
});

test("the list of sends stays while the server hangs", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const to = recipient("01");
  await api.send(policy, to);
  await page.goto(`sends?policy=${policy.id}`);
  await expect(page.getByRole("link", { name: to })).toBeVisible();
  await page.route("**/v1/**", () => {}); // no answer
  await expect(notice(page)).toBeVisible({ timeout: 40_000 });
  await expect(page.getByRole("link", { name: to })).toBeVisible();
  await page.unrouteAll({ behavior: "ignoreErrors" });
  await expect(notice(page)).toBeHidden({ timeout: 35_000 });
});

test("a page whose first request hangs shows the error and a retry", async ({ page, api }) => {
  const rule = await api.rule();
  let hangs = true;
  let asked = 0;
  await page.route("**/v1/rules**", (route) => {
    asked += 1;
    return hangs ? undefined : route.continue(); // a request that hangs stays so
  });
  await page.goto(`rules?search=${encodeURIComponent(rule.name)}`);
  await expect(page.getByRole("alert")).toContainText("did not answer", { timeout: 25_000 });
  await expect.poll(() => asked, { timeout: 25_000 }).toBeGreaterThan(1); // the page's own second try hangs too
  await expect(page.getByRole("alert")).toContainText("did not answer");
  hangs = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("rowheader", { name: rule.name })).toBeVisible();
  await expect(page.getByRole("alert")).toBeHidden();
});

test("the page says which part is away, and what still works", async ({ page }) => {
  let checks = {
    postgres: "ok",
    schema: "ok",
    temporal: "unreachable: sends are accepted, and processed when it is back",
  };
  await page.route("**/readyz", (route) => route.fulfill({ json: { status: "ok", version: "v0", checks } }));
  await page.goto("sends");
  await expect(page.getByText("Temporal is away")).toBeVisible();
  await expect(page.getByText("Sends are accepted and wait; nothing is lost.")).toBeVisible();
  checks = { ...checks, temporal: "ok" };
  await expect(page.getByText("Temporal is away")).toBeHidden({ timeout: 15_000 });
});

test.describe("without the database", () => {
  test.use({ mayFail: answers(500, 503) });

  test("the list stays, and the page names the database", async ({ page, api }) => {
    const policy = await api.policy([await api.rule()]);
    const to = recipient("01");
    await api.send(policy, to);
    await page.goto(`sends?policy=${policy.id}`);
    await expect(page.getByRole("link", { name: to })).toBeVisible();
    const body = {
      type: "urn:backstop:problem:unavailable",
      title: "Service Unavailable",
      status: 503,
      code: "unavailable",
    };
    await page.route("**/v1/**", (route) =>
      route.fulfill({ status: 503, json: { ...body, detail: "the database is away", instance: "/", request_id: "1" } }),
    );
    await page.route("**/readyz", (route) =>
      route.fulfill({
        status: 503,
        json: { status: "unavailable", version: "v0", checks: { postgres: "unreachable" } },
      }),
    );
    await expect(page.getByText("The server reports an error since")).toBeVisible({ timeout: 20_000 });
    await expect(page.getByText("The database is away", { exact: true })).toBeVisible();
    await expect(page.getByRole("link", { name: to })).toBeVisible();
    await page.unrouteAll();
    await expect(page.getByText("The database is away", { exact: true })).toBeHidden({ timeout: 35_000 });
  });
});
