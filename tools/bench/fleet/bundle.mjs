/** The parts of the fleet that use the product's libraries, bundled as the released program is. */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);

/**
 * @param folder where the bundles go
 * @returns {Promise<{ spec: object, churning: string, steady: string, bare: string }>} functions, and files to fork
 */
export async function bundleFleet(folder) {
  const entries = ["spec", "churning-workers", "steady-workers", "bare-server"];
  await build({
    entryPoints: entries.map((name) => path.join(here, `${name}.mjs`)),
    bundle: true,
    platform: "node",
    format: "esm",
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    conditions: ["latentweave-source"],
    logLevel: "error",
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
  });
  const file = (name) => path.join(folder, `${name}.mjs`);
  return {
    spec: await import(pathToFileURL(file("spec")).href),
    churning: file("churning-workers"),
    steady: file("steady-workers"),
    bare: file("bare-server"),
  };
}
