import { build, type Plugin, type Rolldown } from "vite";

const overview = "/src/overview/OverviewPage.tsx";

/** earlyScript puts src/early.ts, compiled, into the head of index.html. */
export function earlyScript(): Plugin {
  return {
    name: "early-script",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      async handler(_, { bundle = {}, chunk }) {
        const files = filesOf(bundle, (one) => one.facadeModuleId?.endsWith(overview) ?? false);
        const common = filesOf(bundle, (one) => one.fileName === chunk?.fileName);
        const needed = [...files].filter((file) => !common.has(file)).map((file) => `/console/${file}`);
        const result = await build({
          configFile: false,
          logLevel: "warn",
          define: { __OVERVIEW_FILES__: JSON.stringify(needed) },
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

/** filesOf returns the file of a chunk and those of its static imports. */
function filesOf(bundle: Rolldown.OutputBundle, isRoot: (chunk: Rolldown.OutputChunk) => boolean): Set<string> {
  const found = new Set<string>();
  const add = (name: string) => {
    const chunk = bundle[name];
    if (chunk?.type === "chunk" && !found.has(name)) {
      found.add(name);
      chunk.imports.forEach(add);
    }
  };
  for (const [name, chunk] of Object.entries(bundle)) {
    if (chunk.type === "chunk" && isRoot(chunk)) {
      add(name);
    }
  }
  return found;
}
