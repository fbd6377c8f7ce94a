import { expect, recipient, test } from "../test";
import { measureFirstLoad } from "./slowline";

const tries = Number(process.env.TRIES ?? 3);

test("the first view of the overview at 50 KB/s", async ({ api, browser, page }) => {
  test.setTimeout(180_000);
  const policy = await api.policy([await api.rule()]);
  const sends = await Promise.all(["01", "01", "04"].map((scenario) => api.send(policy, recipient(scenario))));
  for (const send of sends) {
    await expect.poll(async () => (await api.get(send)).outcome, { timeout: 20_000 }).not.toBe("pending");
  }
  for (let i = 0; i < tries; i += 1) {
    const fresh = await browser.newContext({ storageState: await page.context().storageState() });
    const { shape, numbers, bytes, requests, whole, total } = await measureFirstLoad(await fresh.newPage());
    process.stdout.write(
      `shape ${shape} s; first numbers ${numbers} s, ${Math.round(bytes / 1024)} KB, ${requests} requests; ` +
        `whole ${whole} s, ${Math.round(total / 1024)} KB\n`,
    );
    await fresh.close();
  }
});
