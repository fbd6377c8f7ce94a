import { build, type Plugin, type Rolldown } from "vite";

/** earlyScript puts src/early.ts, compiled, into the head of index.html. */
export function earlyScript(): Plugin {
  return {
    name: "early-script",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      async handler() {
        const result = await build({
          configFile: false,
          logLevel: "warn",
          build: {
            write: false,
            target: "es2022",
            rolldownOptions: { input: "src/early.ts", output: { format: "iife" } },
          },
        });
        const [script] = (result as Rolldown.RolldownOutput).output;
        return [{ tag: "script", children: script.code, injectTo: "head-prepend" }];
      },
    },
  };
}
