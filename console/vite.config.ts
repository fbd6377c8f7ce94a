import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { compressedFiles } from "./compress.plugin.ts";
import { earlyScript } from "./early.plugin.ts";

// The Go program embeds static/app, serves it under /console/, and replaces the placeholder in each answer by a new nonce.
// `npm run dev` serves the source instead, and passes API requests on to a running `make run`.
const api = process.env.BACKSTOP_URL ?? "http://127.0.0.1:8080";

// These libraries only define things, but do not say so ("sideEffects" in package.json): what no page uses is left out.
const isPlain =
  /node_modules\/(@rc-component|@ant-design\/(cssinjs|cssinjs-utils|colors|fast-color)|i18next|openapi-fetch|stylis)\//;

export default defineConfig(({ command }) => ({
  base: "/console/",
  plugins: [react(), earlyScript(), compressedFiles()],
  html: command === "build" ? { cspNonce: "__CSP_NONCE__" } : {},
  build: {
    outDir: "static/app",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    rolldownOptions: {
      treeshake: { moduleSideEffects: [{ test: isPlain, sideEffects: false }] },
      output: {
        codeSplitting: {
          groups: [
            // On a slow line each file costs a round trip: the overview, which is the first page, and all it needs is one file.
            { name: "first", tags: ["$initial"] },
            { name: "parts", minShareCount: 8 }, // what most of the other files need
          ],
        },
      },
    },
    chunkSizeWarningLimit: 900, // kB, before compression; antd is most of it
  },
  test: { include: ["src/**/*.test.ts"], setupFiles: ["src/i18n/allWords.ts"] }, // those in a browser are in e2e
  server: { proxy: { "/v1": api, "/console/session": api } },
}));
