import { brotliCompressSync, constants } from "node:zlib";
import type { Plugin } from "vite";

const isText = /\.(js|css|svg)$/;

/** compressedFiles puts beside each text file its form in Brotli, which api/console.go serves. It is a sixth smaller than gzip's. */
export function compressedFiles(): Plugin {
  return {
    name: "compressed-files",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_, bundle) {
        for (const file of Object.values(bundle).filter(({ fileName }) => isText.test(fileName))) {
          const source = Buffer.from(file.type === "chunk" ? file.code : file.source);
          const params = { [constants.BROTLI_PARAM_SIZE_HINT]: source.length };
          const small = brotliCompressSync(source, { params });
          if (small.length < source.length) {
            this.emitFile({ type: "asset", fileName: `${file.fileName}.br`, source: small });
          }
        }
      },
    },
  };
}
