// Takes the screenshots of the documentation, by `make screenshots`. `make e2e` does not run this folder.
import { defineConfig } from "@playwright/test";
import e2e from "../../playwright.config";

export default defineConfig(e2e, {
  testDir: ".",
  testMatch: "screenshots.ts",
  outputDir: "../.results",
  globalSetup: "../program.ts",
  workers: 1,
  retries: 0,
  reporter: "list",
});
