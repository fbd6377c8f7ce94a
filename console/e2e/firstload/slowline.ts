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

/** markNumbers marks the moment at which the page first shows a number, by the page's own clock. A poll of the test would be late. */
function markNumbers() {
  const observer = new MutationObserver(() => {
    if (/[0-9]/.test(document.querySelector("main .headline strong")?.textContent ?? "")) {
      performance.mark("numbers");
      observer.disconnect();
    }
  });
  observer.observe(document, { subtree: true, childList: true, characterData: true });
}

/** measureFirstLoad opens the overview on the slow line. The page needs a session, and sends in the last 24 hours. */
export async function measureFirstLoad(page: Page): Promise<FirstLoad> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Network.enable");
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  await cdp.send("Network.emulateNetworkConditions", line);
  await page.addInitScript(markNumbers);
  const begun: number[] = []; // s, by the clock of the network events
  const parts: { at: number; bytes: number }[] = [];
  let wall = 0; // s from that clock to Unix time
  let newest = performance.now();
  cdp.on("Network.requestWillBeSent", ({ timestamp, wallTime }) => {
    wall ||= wallTime - timestamp;
    begun.push(timestamp);
  });
  cdp.on("Network.dataReceived", ({ timestamp, encodedDataLength }) => {
    parts.push({ at: timestamp, bytes: encodedDataLength });
    newest = performance.now();
  });
  await page.goto("", { waitUntil: "commit" });
  await expect(page.locator("main .headline strong").first()).toHaveText(/[0-9]/, { timeout: 60_000 });
  await expect.poll(() => performance.now() - newest, { timeout: 60_000 }).toBeGreaterThan(1500);
  const { origin, shape, numbers } = await page.evaluate(() => ({
    origin: performance.timeOrigin / 1000,
    shape: (performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0) / 1000,
    numbers: (performance.getEntriesByName("numbers")[0]?.startTime ?? Number.NaN) / 1000,
  }));
  expect(numbers, "the page has marked its first number").toBeGreaterThan(0);
  const shown = origin + numbers - wall;
  const sum = (some: typeof parts) => some.reduce((all, part) => all + part.bytes, 0);
  return {
    shape: rounded(shape),
    numbers: rounded(numbers),
    bytes: sum(parts.filter(({ at }) => at <= shown)),
    requests: begun.filter((at) => at <= shown).length,
    total: sum(parts),
    whole: rounded((parts.at(-1)?.at ?? 0) + wall - origin),
  };
}

const rounded = (seconds: number) => Math.round(seconds * 100) / 100;
