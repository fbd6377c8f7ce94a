import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

// The system's own Chromium, because Playwright's own needs a download.
const browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = process.env.CHROMIUM ?? browsers.find(existsSync);

export default defineConfig({
  testDir: "e2e",
  outputDir: "e2e/.results",
  globalSetup: "./e2e/program.ts",
  fullyParallel: true,
  workers: 2,
  timeout: 180_000, // a busy machine needs less
  expect: { timeout: 20_000 },
  forbidOnly: true,
  retries: process.env.CI ? 1 : 0, // for a busy machine; a test that passes at the second try is reported as flaky
  reporter: [["list"], ["html", { outputFolder: "e2e/.report", open: "never" }]],
  use: {
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "Europe/London",
    // A dialog that moves while it opens may miss a click of a fast test, and has too little contrast while it fades in.
    contextOptions: { reducedMotion: "reduce" },
    screenshot: "only-on-failure",
    launchOptions: {
      ...(executablePath ? { executablePath } : {}),
      // Chromium has no sandbox for root, and the tests open no pages but the console's.
      args: [
        "--no-sandbox",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
      ],
    },
  },
});
