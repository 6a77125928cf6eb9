/** Libraries of this checkout from their sources, for scripts: bundled as the released program is. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** @param contents a module, such as `export { x } from "@latentweave/y";` @param file where the bundle goes */
export async function bundleSources(contents, file) {
  await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    platform: "node",
    format: "esm",
    outfile: file,
    conditions: ["latentweave-source"],
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
  });
}

/** @returns what the module exports; nothing of it stays on disk */
export async function importSources(contents) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-sources-"));
  try {
    const file = path.join(folder, "sources.mjs");
    await bundleSources(contents, file);
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
