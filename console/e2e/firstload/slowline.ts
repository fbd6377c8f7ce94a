// A slow line: 50 KB/s, 150 ms latency, an empty cache, by the network emulation of Chromium.
import type { Page } from "@playwright/test";
import { expect } from "../test";

export interface FirstLoad {
  shape: number; // s until the shape of the page is painted
  numbers: number; // s until the first numbers of the overview
  bytes: number; // received until then, with headers
  requests: number; // begun until then
  total: number; // bytes until the page is whole
  whole: number; // s until then
}

const line = { offline: false, latency: 150, downloadThroughput: 50 * 1024, uploadThroughput: 50 * 1024 };

/** measureFirstLoad opens the overview on the slow line. The page needs a session, and sends in the last 24 hours. */
export async function measureFirstLoad(page: Page): Promise<FirstLoad> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Network.enable");
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  await cdp.send("Network.emulateNetworkConditions", line);
  let bytes = 0;
  let requests = 0;
  let newest = performance.now();
  cdp.on("Network.requestWillBeSent", () => {
    requests += 1;
  });
  cdp.on("Network.dataReceived", (part) => {
    bytes += part.encodedDataLength;
    newest = performance.now();
  });
  const start = performance.now();
  const elapsed = (moment: number) => Math.round((moment - start) / 10) / 100;
  await page.goto("", { waitUntil: "commit" });
  await expect(page.locator("main .headline strong").first()).toHaveText(/[0-9]/, { timeout: 60_000 });
  const first = { numbers: elapsed(performance.now()), bytes, requests };
  await expect.poll(() => performance.now() - newest, { timeout: 60_000 }).toBeGreaterThan(1500);
  const shape = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
  return { shape: Math.round(shape / 10) / 100, ...first, total: bytes, whole: elapsed(newest) };
}
