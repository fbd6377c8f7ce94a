import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { compressedFiles } from "./compress.plugin.ts";
import { earlyScript } from "./early.plugin.ts";

// The Go program embeds static/app, serves it under /console/, and replaces the placeholder in each answer by a new nonce.
// `npm run dev` serves the source instead, and passes API requests on to a running `make run`.
const api = process.env.BACKSTOP_URL ?? "http://127.0.0.1:8080";

const base =
  /node_modules\/(react|react-dom|scheduler|react-router|@tanstack|i18next|react-i18next|openapi-fetch|@ant-design\/(cssinjs|cssinjs-utils|colors|fast-color)|@emotion|stylis|@babel|clsx|@rc-component\/(util|motion|segmented)|antd\/es\/(_util|theme|style|config-provider|button|segmented|alert|version))\//;

export default defineConfig(({ command }) => ({
  base: "/console/",
  plugins: [react(), earlyScript(), compressedFiles()],
  html: command === "build" ? { cspNonce: "__CSP_NONCE__" } : {},
  build: {
    outDir: "static/app",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    // Few files: on a slow line each costs a round trip. These libraries are part of each page.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "base", test: base }] } } },
    chunkSizeWarningLimit: 900, // kB, before compression; antd is most of it
  },
  test: { include: ["src/**/*.test.ts"] }, // those in a browser are in e2e
  server: { proxy: { "/v1": api, "/console/session": api } },
}));
