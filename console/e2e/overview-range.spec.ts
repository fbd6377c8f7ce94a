// The ranges of the overview: since a time of day, and a range of the reader's own.
import { expect, test } from "./test";
import { riseOf, sendAll } from "./traffic";

test("since a time of day needs only the time", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await sendAll(api, policy, ["01"]);
  await page.goto(`?policy=${policy.id}`);
  const since = page.getByRole("textbox", { name: "Since" });
  await since.fill("00:00");
  await since.press("Enter");
  await expect(page).toHaveURL(/from=/);
  const params = new URL(page.url()).searchParams;
  const midnight = await page.evaluate(() => new Date().setHours(0, 0, 0, 0));
  expect(Date.parse(params.get("from") ?? "")).toBe(midnight);
  expect(params.has("until")).toBe(false);
  await expect(page.getByRole("link", { name: "1 send accepted" })).toBeVisible();
  await expect(page.getByRole("radio", { name: "Own range" })).toBeChecked(); // it makes the choices beside it move
  await page.getByText("24 hours", { exact: true }).click();
  await expect(page).not.toHaveURL(/from=/);
  await expect(since).toHaveValue("");
});

test("since takes a short way to write a time, and says what it cannot read", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  await page.goto(`?policy=${policy.id}`);
  const since = page.getByRole("textbox", { name: "Since" });
  const problem = page.getByText("Not a time of day");
  await since.fill("25");
  await since.press("Enter");
  await expect(problem).toBeVisible();
  await expect(since).toHaveAttribute("aria-invalid", "true");
  await expect(page).not.toHaveURL(/from=/);
  await since.fill("905");
  await expect(problem).toBeHidden();
  await since.blur();
  await expect(since).toHaveValue("09:05");
  await expect(page).toHaveURL(/from=/);
  await since.fill("9");
  await since.press("Enter");
  await expect(since).toHaveValue("09:00");
  const from = Date.parse(new URL(page.url()).searchParams.get("from") ?? "");
  expect(Date.now() - from).toBeLessThan(86_400_000);
  expect(Date.now() - from).toBeGreaterThanOrEqual(0);
});

for (const locale of ["en-GB", "zh-CN"]) {
  test.describe(`an own range at 390 px in ${locale}`, () => {
    test.use({ viewport: { width: 390, height: 844 }, locale });

    test("does not scroll sideways, and every choice is in view", async ({ page, api }) => {
      const { path } = await riseOf(api);
      await page.goto(path);
      await page.locator(".own-range .ant-picker-range").waitFor();
      await page.locator(".changes table").waitFor();
      await page.locator(".bars").waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
      for (const choice of await page.locator(".toolbar .choice label").all()) {
        await expect(choice).toBeInViewport({ ratio: 1 });
      }
      await page.screenshot({ path: `e2e/.results/look/own-range-${locale}.png`, fullPage: true });
    });
  });
}
