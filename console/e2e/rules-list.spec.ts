// The list of rules: its search, filters, orders and pages.
import { answers, choose, expect, pick, test, unique } from "./test";

test("the list has a search, and shows when nothing matches", async ({ page, api }) => {
  const rule = await api.rule();
  await api.rule();
  await page.goto("rules");
  await page.getByRole("searchbox", { name: "Search by rule name" }).fill(rule.name.toUpperCase());
  await expect(page.getByRole("rowheader")).toHaveText([rule.name]);
  await expect(page).toHaveURL(/search=/);
  await page.getByRole("searchbox", { name: "Search by rule name" }).fill(unique("nobody"));
  await expect(page.getByText("Nothing matches")).toBeVisible();
});

test("the list sorts by its heads and filters, all in the address", async ({ page, api }) => {
  const base = unique("Listed");
  const b = await api.rule({ name: `${base} b`, send_id: "Sorted", countries: ["GB"] });
  await api.rule({ name: `${base} A`, type: "unread", countries: ["GB", "FR"] });
  await api.rule({ name: `${base} c`, type: "unread", send_id: "Sorted" });
  await api.policy([b]);
  const names = page.getByRole("rowheader");
  const total = page.getByRole("main").getByRole("status");
  await page.goto(`rules?search=${encodeURIComponent(base)}`);
  await expect(names).toHaveText([`${base} c`, `${base} A`, `${base} b`]); // newest first
  await expect(total).toHaveText("3 rules");
  for (const row of await page.locator("tbody tr.ant-table-row").all()) {
    expect((await row.boundingBox())?.height).toBeCloseTo(40, 0);
  }
  const head = page.getByRole("columnheader", { name: "Rule Name" });
  await head.click();
  await expect(names).toHaveText([`${base} A`, `${base} b`, `${base} c`]);
  await expect(head).toHaveAttribute("aria-sort", "ascending");
  await head.click();
  await expect(names).toHaveText([`${base} c`, `${base} b`, `${base} A`]);
  await expect(page).toHaveURL(/sort=-name/);

  await choose(page, page.getByLabel("Type", { exact: true }), "Unread");
  await expect(names).toHaveText([`${base} c`, `${base} A`]);
  await page.getByLabel("Applies in").fill("France");
  await pick(page, "France", 1);
  await expect(names).toHaveText([`${base} c`, `${base} A`]); // c applies everywhere
  await page.getByLabel("SendID", { exact: true }).fill("Sorted");
  await pick(page, "Sorted");
  await expect(names).toHaveText([`${base} c`]);
  await expect(total).toHaveText("1 rule");
  await page.reload();
  await expect(names).toHaveText([`${base} c`]);

  await page.getByRole("button", { name: "Remove the filter Type: Unread" }).click();
  await page.getByRole("button", { name: "Remove the filter Applies in France" }).click();
  await expect(names).toHaveText([`${base} c`, `${base} b`]);
  await page.getByText("In no policy", { exact: true }).click();
  await expect(names).toHaveText([`${base} c`]);
  await page.getByRole("button", { name: "Clear all" }).click();
  await expect(page).toHaveURL(/\/rules$/);
});

test("a sorted list has each rule once over its pages, while others add rules", async ({ page, api }) => {
  const base = unique("Paged");
  const wanted: string[] = [];
  for (let i = 0; i < 52; i++) {
    wanted.push((await api.rule({ name: `${base} ${String(i).padStart(2, "0")}` })).name);
  }
  await page.goto(`rules?search=${encodeURIComponent(base)}&sort=name`);
  await expect(page.getByRole("rowheader")).toHaveCount(50);
  await api.rule({ name: `${base} 00 new` });
  await page.getByRole("button", { name: "Next" }).click();
  await expect(page.getByRole("rowheader")).toHaveText(wanted.slice(50));
  await expect(page.getByRole("main").getByRole("status")).toHaveText("53 rules");
});

test.describe("an address that the API refuses", () => {
  test.use({ mayFail: answers(400) });

  test("the reason and a way out are shown", async ({ page, api }) => {
    await api.rule();
    await page.goto("rules?type=no-type");
    await expect(page.getByRole("alert")).toContainText("type");
    await page.getByRole("button", { name: "Clear the filters" }).click();
    await expect(page.getByRole("rowheader").first()).toBeVisible();
  });
});
