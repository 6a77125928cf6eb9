/**
 * How files that are started or loaded by path (thread and child-process entries) are found, from source and from
 * the published bundle alike. Two endings make a source file such an entry:
 *
 *   `name.entry.ts`        an ES module that runs by itself: a Worker's or child process's first file
 *   `name.standalone.ts`   a CommonJS file with all its npm dependencies inside it
 *
 * tools/build finds them by these endings in every `src` folder of the workspace and writes `dist/name.js` and `dist/name.cjs`; so
 * base names are unique in the repository. Code names an entry by `new URL("./name.entry.ts", import.meta.url)` and
 * hands that to `entryFile`. In the bundle all files lie flat in one folder, where the name is enough; from source
 * (tests) the entry is bundled on demand, which takes some 50 ms, into `node_modules/.cache/latentweave`.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";

const made = new Map<string, Promise<string>>();

/** The path of the runnable file for an entry's source URL. Throws when the source is not one of the two kinds. */
export async function entryFile(source: URL): Promise<string> {
  const base = path.basename(source.pathname);
  const match = /^(.+)\.(entry|standalone)\.ts$/.exec(base);
  if (match === null)
    throw new Error(`${base} is no entry: its name must end in .entry.ts or .standalone.ts`);
  const [, name, kind] = match;
  const isSource = import.meta.url.endsWith(".ts");
  if (!isSource) {
    const here = path.dirname(fileURLToPath(import.meta.url));
    return path.join(here, `${name}.${kind === "entry" ? "js" : "cjs"}`);
  }
  const file = fileURLToPath(source);
  const known = made.get(file) ?? bundleFromSource(file, `${name}`, kind === "standalone");
  made.set(file, known);
  return await known;
}

const leavePackagesOutside: Plugin = {
  name: "npm packages stay outside",
  setup(context) {
    context.onResolve({ filter: /^[^./]/ }, ({ path: wanted, kind }) =>
      wanted.startsWith("@latentweave/") || kind === "entry-point" ? undefined : { external: true },
    );
  },
};

/** In the bundled entry each module still believes to be its source file, so that entries can name further entries. */
const keepSourceUrls: Plugin = {
  name: "modules keep their source's URL",
  setup(context) {
    context.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path: file }) => ({
      contents: readFileSync(file, "utf8").replaceAll(
        /\bimport\.meta\.url\b/g,
        JSON.stringify(pathToFileURL(file).href),
      ),
      loader: "ts",
    }));
  },
};

async function bundleFromSource(file: string, name: string, standalone: boolean): Promise<string> {
  const { build } = await import("esbuild");
  const result = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    platform: "node",
    target: "node20",
    format: standalone ? "cjs" : "esm",
    conditions: ["latentweave-source"],
    ...(standalone ? { mainFields: ["module", "main"] } : {}),
    logLevel: "error",
    plugins: standalone ? [] : [leavePackagesOutside, keepSourceUrls],
  });
  const contents = result.outputFiles[0]?.contents ?? new Uint8Array();
  const digest = createHash("sha256").update(contents).digest("hex").slice(0, 16);
  const folder = path.join(workspaceModules(file), ".cache", "latentweave");
  const target = path.join(folder, `${name}-${digest}.${standalone ? "cjs" : "mjs"}`);
  if (!existsSync(target)) {
    mkdirSync(folder, { recursive: true });
    const partial = `${target}.${randomUUID()}`;
    writeFileSync(partial, contents);
    renameSync(partial, target);
  }
  return target;
}

/** The workspace's node_modules: below it, the bundle's npm imports resolve as the source's do. */
function workspaceModules(file: string): string {
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, "nx.json"))) return path.join(folder, "node_modules");
  }
  throw new Error(`${file} lies in no workspace`);
}
