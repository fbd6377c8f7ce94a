// The picture of a policy says what happens: in time, after a failure of WhatsApp, and after a failed SMS.
import { expect, test } from "./test";

test("a rule without a wait is no step in time, and a rule of one country is first only there", async ({
  page,
  api,
}) => {
  const local = await api.rule({ type: "undelivered", wait_seconds: undefined, send_id: "LOCAL", countries: ["GB"] });
  const timed = await api.rule({ type: "unread", wait_seconds: 60, send_id: "TIMED" });
  const policy = await api.policy([local, timed]);
  await page.goto(`policies?search=${encodeURIComponent(policy.name)}`);
  await page.getByRole("button", { name: "Expand row" }).click();
  const picture = page.getByRole("figure", { name: "What happens, and when" });
  await expect(picture.locator(".picture-stops li")).toHaveCount(2);
  await expect(picture.locator(".picture-stops")).not.toContainText(local.name);
  const failure = picture.locator(".picture-failure li");
  await expect(failure).toHaveText([
    `United Kingdom by SMS from LOCAL (${local.name})`,
    `All other countries by SMS from TIMED (${timed.name})`,
  ]);
  await expect(picture).toContainText(
    `If an SMS fails, the next unused rule follows, in the order ${local.name} (only after a WhatsApp failure) → ${timed.name}`,
  );
});

test("the countries of a rule in time are shown, and those without a rule too", async ({ page, api }) => {
  const rule = await api.rule({ type: "unread", wait_seconds: 60, countries: ["GB", "IE"] });
  const policy = await api.policy([rule]);
  await page.goto(`policies?search=${encodeURIComponent(policy.name)}`);
  await page.getByRole("button", { name: "Expand row" }).click();
  const picture = page.getByRole("figure", { name: "What happens, and when" });
  await expect(picture.locator(".picture-stops li").last()).toContainText("United Kingdom");
  await expect(picture.locator(".picture-stops li").last()).toContainText("Ireland");
  await expect(picture).toContainText("In all other countries no rule applies: such sends are refused.");
  await expect(picture).toContainText("If the SMS fails, no rule is left: nothing more is sent.");
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
    await page.goto(`policies?search=${encodeURIComponent(policy.name)}`);
    await page.getByRole("button", { name: "Expand row" }).click();
    await page.getByRole("figure", { name: "What happens, and when" }).waitFor();
    const gaps = await page.locator(".picture-stops li").evaluateAll((stops) =>
      stops.slice(0, -1).map((stop, i) => {
        const line = getComputedStyle(stop, "::after");
        const end = stop.getBoundingClientRect().top + Number.parseFloat(line.top) + Number.parseFloat(line.height);
        const next = stops[i + 1]?.querySelector(".picture-dot")?.getBoundingClientRect().top ?? 0;
        return Math.round(next - end);
      }),
    );
    expect(gaps).toEqual([0, 0, 0]);
  });
}
