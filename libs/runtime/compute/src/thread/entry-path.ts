import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Beside the bundle that this file is part of; tools/build gives it this name. */
const bundledName = "compute-thread.js";

export interface ThreadEntry {
  readonly file: string;
  /** Removes what was made for it. */
  readonly discard: () => Promise<void>;
}

/**
 * The compute thread's file: from the bundle where there is one, else (tests run from source, and Node 20 runs no
 * TypeScript) bundled now. The copy lies below node_modules so that the backends' packages are found from it.
 */
export async function findThreadEntry(): Promise<ThreadEntry> {
  const folder = path.dirname(fileURLToPath(import.meta.url));
  const bundled = path.join(folder, bundledName);
  if (existsSync(bundled)) return { file: bundled, discard: async () => {} };
  const source = path.join(folder, "compute-thread.ts");
  if (!existsSync(source))
    throw new Error(
      `the compute thread's file ${bundledName} is missing in ${folder}: the installation is incomplete`,
    );
  const { build } = await import("esbuild");
  const temporary = await mkdtemp(path.join(await nodeModules(folder), ".latentweave-compute-thread-"));
  const file = path.join(temporary, "compute-thread.mjs");
  await build({
    entryPoints: [source],
    outfile: file,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["latentweave-source"],
    sourcemap: "inline",
    logLevel: "silent",
  });
  return { file, discard: () => rm(temporary, { recursive: true, force: true }) };
}

/** The nearest node_modules folder that holds the backends. */
async function nodeModules(from: string): Promise<string> {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, "node_modules");
    if (existsSync(path.join(candidate, "@tensorflow"))) return candidate;
    if (path.dirname(folder) === folder) throw new Error("@tensorflow/tfjs-core is not installed");
  }
}
