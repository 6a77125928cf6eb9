import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { UserLayer } from "@latentweave/model";
import { UserError } from "@latentweave/protocol";
import { bundleModule } from "./bundle.ts";
import { bundleOwn, ownModules } from "./bundle-own.ts";
import { evaluateBundle } from "./evaluate-bundle.ts";
import { parseJson, parseYaml } from "./parse-text.ts";
import { requireFile } from "./require-file.ts";
import { requireLayers } from "./require-layers.ts";

export interface LoadedJobFile {
  /** What the file says, unchecked: input for `applySettings` and `resolveJob`. */
  readonly input: unknown;
  /** Absolute; paths in the job are relative to it. */
  readonly directory: string;
  /** JavaScript of the job's own layers and extensions, bundled; absent when it names none. */
  readonly userModule?: string;
  /** Absolute paths of the files that the job is made of, the job file first. */
  readonly sources: readonly string[];
  /** SHA-256 over what the job says and its layers: the same for the same job written in another language. */
  readonly hash: string;
}

/**
 * Reads a job from a .ts, .mts, .js, .mjs, .json, .yaml or .yml file. Modules are bundled and run here; they may import
 * "latentweave" without having it installed.
 * @throws UserError when the file is missing, cannot be read or parsed, or fails while it runs
 */
export async function loadJobFile(file: string): Promise<LoadedJobFile> {
  const absolute = path.resolve(file);
  await requireFile(absolute, file);
  const { input, sources } = await read(absolute);
  const directory = path.dirname(absolute);
  const module = await bundleOwn(ownModules(input), directory);
  return {
    input,
    directory,
    ...(module === undefined ? {} : { userModule: module.text }),
    sources: [absolute, ...[...sources, ...(module?.sources ?? [])].filter((source) => source !== absolute)],
    hash: hashJob(input, module?.text),
  };
}

/** What a bundled module brings that is asked before a run begins, by name. */
export interface OwnModule {
  /** For shape inference. */
  readonly layers: Readonly<Record<string, UserLayer>>;
  readonly losses: Readonly<Record<string, unknown>>;
  readonly datasets: Readonly<Record<string, unknown>>;
}

export async function loadOwn(userModule: string): Promise<OwnModule> {
  const bundle = { text: userModule, map: '{"version":3,"sources":[],"mappings":""}', sources: [] };
  const where = "the job's own modules";
  const exported = await evaluateBundle(bundle, where);
  const record = (value: unknown): Readonly<Record<string, unknown>> =>
    (value ?? {}) as Readonly<Record<string, unknown>>;
  return {
    layers: requireLayers(exported, where),
    losses: record(exported.losses),
    datasets: record(exported.datasets),
  };
}

async function read(file: string): Promise<{ input: unknown; sources: readonly string[] }> {
  const extension = path.extname(file);
  switch (extension) {
    case ".json":
      return { input: await parseJson(await readFile(file, "utf8"), file), sources: [file] };
    case ".yaml":
    case ".yml":
      return { input: parseYaml(await readFile(file, "utf8"), file), sources: [file] };
    case ".ts":
    case ".mts":
    case ".js":
    case ".mjs": {
      const bundle = await bundleModule(file, "api");
      const exported = await evaluateBundle(bundle, file);
      if (exported.default === undefined)
        throw new UserError({
          where: file,
          what: "exports no job",
          expected: "export default defineJob({ ... })",
          mend: "make the job the module's default export",
        });
      return { input: exported.default, sources: bundle.sources };
    }
    default:
      throw new UserError({
        where: file,
        what: `a job cannot be read from a file that ends in "${extension}"`,
        expected: ".ts, .js, .mjs, .json, .yaml or .yml",
        mend: "rename the file",
        exitCode: 2,
      });
  }
}

function hashJob(input: unknown, userModule: string | undefined): string {
  return createHash("sha256")
    .update(JSON.stringify({ input }, sortKeys))
    .update("\0")
    .update(userModule ?? "")
    .digest("hex");
}

/** Keys in one order, except where order has a meaning: tasks are numbered as they are written. */
function sortKeys(key: string, value: unknown): unknown {
  if (key === "tasks" || typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
