/** The JavaScript of the published package: esbuild over the entries, npm packages left outside. */
import { existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import path from "node:path";
import { build } from "esbuild";

/**
 * @param {{ root: string, sources: string[], plugins?: import("esbuild").Plugin[] }} input `plugins`: to be asked first
 * @returns {Promise<Map<string, Uint8Array | string>>} contents by name below dist
 */
export async function buildBundle({ root, sources, plugins = [] }) {
  const entryPoints = {};
  const standalone = {};
  for (const name of ["main", "index"]) {
    const file = path.join(root, "apps/cli/src", `${name}.ts`);
    if (existsSync(file)) entryPoints[name] = file;
  }
  for (const file of sources) {
    const match = /([^/\\]+)\.(entry|standalone)\.ts$/.exec(file);
    if (match === null) continue;
    const group = match[2] === "entry" ? entryPoints : standalone;
    if (group[match[1]] !== undefined)
      throw new Error(`two entries are called ${match[1]}: ${group[match[1]]}, ${file}`);
    group[match[1]] = file;
  }
  const shared = {
    bundle: true,
    write: false,
    // Paths below it are in the contents, and so in the names of shared parts: the same wherever one stands.
    absWorkingDir: root,
    outdir: path.join(root, "apps/cli/dist"),
    platform: "node",
    target: "node20",
    conditions: ["latentweave-source"],
    loader: { ".wasm": "binary" },
    logLevel: "silent",
    legalComments: "none",
  };
  const { dependencies } = JSON.parse(readFileSync(path.join(root, "apps/cli/package.json"), "utf8"));
  const [modules, whole] = await Promise.all([
    run(root, {
      ...shared,
      entryPoints,
      format: "esm",
      splitting: true,
      minifySyntax: true,
      sourcemap: true,
      entryNames: "[name]",
      chunkNames: "chunk-[hash]",
      plugins: [...plugins, leavePackagesOutside(root, new Set(Object.keys(dependencies)))],
    }),
    run(root, {
      ...shared,
      entryPoints: standalone,
      format: "cjs",
      outExtension: { ".js": ".cjs" },
      mainFields: ["module", "main"],
      minify: true,
    }),
  ]);
  return new Map([...modules, ...whole]);
}

async function run(root, options) {
  let result;
  try {
    result = await build(options);
  } catch (error) {
    const lines = (error.errors ?? []).slice(0, 5).map(({ text, location }) => {
      const where =
        location === null ? "" : `${path.relative(root, path.resolve(location.file))}:${location.line}: `;
      return `\n  ${where}${text}`;
    });
    throw new Error(lines.length > 0 ? lines.join("") : error.message);
  }
  return result.outputFiles.map((file) => [
    path.relative(options.outdir, file.path).split(path.sep).join("/"),
    file.contents,
  ]);
}

/** Internal packages are bundled; npm packages stay outside and must be dependencies of what users install. */
function leavePackagesOutside(root, dependencies) {
  return {
    name: "npm packages stay outside",
    setup(context) {
      context.onResolve({ filter: /^[^./]/ }, ({ path: wanted, kind, importer }) => {
        if (kind === "entry-point" || wanted.startsWith("@latentweave/")) return undefined;
        if (isBuiltin(wanted)) return { external: true };
        const name = wanted.split("/", wanted.startsWith("@") ? 2 : 1).join("/");
        if (dependencies.has(name)) return { external: true };
        const from = path.relative(root, importer);
        return {
          errors: [{ text: `${from} imports "${name}", which is no dependency in apps/cli/package.json` }],
        };
      });
    },
  };
}
