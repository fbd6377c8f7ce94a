import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The Go program embeds what is in static/app, serves it under /console/ and puts a fresh nonce in the placeholder's
// place in every answer. `npm run dev` serves the source instead, with the API of a running `make run` behind it.
const api = process.env.BACKSTOP_URL ?? "http://127.0.0.1:8080";

export default defineConfig(({ command }) => ({
  base: "/console/",
  plugins: [react()],
  html: command === "build" ? { cspNonce: "__CSP_NONCE__" } : {},
  build: {
    outDir: "static/app",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900, // kB, before compression; antd is most of it
  },
  test: { include: ["src/**/*.test.ts"] }, // the browser's tests are in e2e
  server: { proxy: { "/v1": api, "/console/session": api } },
}));
