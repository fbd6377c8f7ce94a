// All times have 24 hours, and the page names their zone. The chart's tooltip is readable.
import { expect, recipient, test } from "./test";

test.describe("in a browser of New York", () => {
  test.use({ locale: "en-US", timezoneId: "America/New_York" });

  test("the times of a page have one form, and the page names the zone", async ({ page, api }) => {
    const policy = await api.policy([await api.rule()]);
    const send = await api.send(policy, recipient("01"));
    for (const path of [`sends/${send.id}`, `sends?policy=${policy.id}`, `policies?search=${policy.name}`]) {
      await page.goto(path);
      await page.locator("main time, main td .nowrap").first().waitFor();
      await expect(page.locator("main")).toContainText(/[0-9]{2}:[0-9]{2}:[0-9]{2}/);
      await expect(page.locator("main")).not.toContainText(/[0-9]\s?[AP]M/);
      await expect(page.locator("body")).toContainText(/New York.*(GMT-[45]|E[SD]T)/);
    }
  });
});

test("a date has the form of the reader's region", async ({ page, api }) => {
  const policy = await api.policy([await api.rule()]);
  const send = await api.send(policy, recipient("01"));
  await page.goto(`sends/${send.id}`); // in British English
  const title = /^[0-9]{1,2} [A-Z][a-z]{2,3} [0-9]{4}, [0-9]{2}:[0-9]{2}:[0-9]{2} GMT/;
  await expect(page.locator("main time").first()).toHaveAttribute("title", title);
});

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`the tooltip of the chart, ${colorScheme}`, () => {
    test.use({ colorScheme });

    test("has the order of the bar, a total, and contrast", async ({ page, api }) => {
      const policy = await api.policy([await api.rule()]);
      const sends = await Promise.all(
        ["01", "01", "04", "13"].map((scenario) => api.send(policy, recipient(scenario))),
      );
      for (const send of sends) {
        await expect.poll(async () => (await api.get(send)).outcome, { timeout: 20_000 }).not.toBe("pending");
      }
      await page.goto(`?policy=${policy.id}&range=hour&chart=outcomes`);
      const bar = page.locator(".recharts-bar-rectangle path").first();
      await bar.waitFor();
      await bar.hover();
      const tooltip = page.locator(".recharts-tooltip-wrapper");
      await expect(tooltip).toContainText("Sends");
      const lines = await tooltip.locator("li").allInnerTexts();
      const names = await tooltip.locator("li .grow").allInnerTexts();
      // From the top of the bar to its foot, and then the total.
      expect(names).toEqual([
        "Pending",
        "Cancelled",
        "Failed",
        "Expired",
        "Unconfirmed",
        "By SMS",
        "Confirmed",
        "By WhatsApp",
        "Sends",
      ]);
      expect(lines.at(-1)?.trim()).toMatch(/[1-4]$/);
      const contrasts = await tooltip.evaluate((wrapper) => {
        const luminance = (color: string) => {
          const [r = 0, g = 0, b = 0] = (color.match(/[0-9.]+/g) ?? []).map((part) => {
            const value = Number(part) / 255;
            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = luminance(getComputedStyle(wrapper.firstElementChild ?? wrapper).backgroundColor);
        return [...wrapper.querySelectorAll("li")].map((line) => {
          const [dim = 0, bright = 0] = [luminance(getComputedStyle(line).color), ground].sort((a, b) => a - b);
          return (bright + 0.05) / (dim + 0.05);
        });
      });
      expect(Math.min(...contrasts)).toBeGreaterThanOrEqual(4.5);
    });
  });
}
