// Measures the first view of the overview on a slow line, by `make firstload`. `make e2e` checks its bytes (firstload.spec.ts).
import { defineConfig } from "@playwright/test";
import e2e from "../../playwright.config";

export default defineConfig(e2e, {
  testDir: ".",
  testMatch: "firstload.ts",
  outputDir: "../.results",
  globalSetup: "../program.ts",
  workers: 1,
  retries: 0,
  reporter: "list",
});
