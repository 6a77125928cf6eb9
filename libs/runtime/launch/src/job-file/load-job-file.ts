import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { UserLayer } from "@latentweave/model";
import { UserError } from "@latentweave/protocol";
import { bundleModule } from "./bundle.ts";
import { evaluateBundle } from "./evaluate-bundle.ts";
import { parseJson, parseYaml } from "./parse-text.ts";

export interface LoadedJobFile {
  /** What the file says, unchecked: input for `applySettings` and `resolveJob`. */
  readonly input: unknown;
  /** Absolute; paths in the job are relative to it. */
  readonly directory: string;
  /** JavaScript of the job's own layers, bundled; absent when it names none. */
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
  const layers = typeof input === "object" && input !== null && "layers" in input ? input.layers : undefined;
  const module = typeof layers === "string" ? await bundleUserModule(layers, directory) : undefined;
  return {
    input,
    directory,
    ...(module === undefined ? {} : { userModule: module.text }),
    sources: [absolute, ...[...sources, ...(module?.sources ?? [])].filter((source) => source !== absolute)],
    hash: hashJob(input, module?.text),
  };
}

/**
 * Bundles the module that a job names as `layers`.
 * @param layers path relative to `directory`
 * @throws UserError when it is missing, does not parse, or exports no record `layers`
 */
export async function bundleUserModule(
  layers: string,
  directory: string,
): Promise<{ readonly text: string; readonly sources: readonly string[] }> {
  const file = path.resolve(directory, layers);
  await requireFile(file, layers);
  const bundle = await bundleModule(file, "types");
  requireLayers(await evaluateBundle(bundle, file), file);
  return { text: bundle.text, sources: bundle.sources };
}

/** The layers of a bundled module, for shape inference. */
export async function loadUserLayers(userModule: string): Promise<Readonly<Record<string, UserLayer>>> {
  const bundle = { text: userModule, map: '{"version":3,"sources":[],"mappings":""}', sources: [] };
  return requireLayers(await evaluateBundle(bundle, "the job's layers"), "the job's layers");
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

async function requireFile(absolute: string, asGiven: string): Promise<void> {
  const found = await stat(absolute).catch((error: unknown) => error as NodeJS.ErrnoException);
  if (found instanceof Error)
    throw new UserError({
      where: asGiven,
      what:
        found.code === "ENOENT" ? "there is no such file" : `cannot be read (${found.code ?? found.message})`,
      expected: `a file at ${absolute}`,
      mend:
        found.code === "ENOENT"
          ? "check the path; it is relative to where the command runs"
          : "check its permissions",
      cause: found,
    });
  if (found.isDirectory())
    throw new UserError({
      where: asGiven,
      what: "is a folder",
      expected: "a job file",
      mend: `name the file in it, such as ${path.join(asGiven, "job.ts")}`,
    });
}

function requireLayers(
  exported: Readonly<Record<string, unknown>>,
  where: string,
): Readonly<Record<string, UserLayer>> {
  const { layers } = exported;
  const functions = ["outputShape", "parameters", "apply"] as const;
  if (typeof layers !== "object" || layers === null)
    throw new UserError({
      where,
      what: "exports no layers",
      expected: "export const layers = { NAME: { outputShape, parameters, apply } }",
      mend: "export a record named `layers`",
    });
  for (const [name, layer] of Object.entries(layers) as [string, Partial<UserLayer> | null][])
    for (const key of functions)
      if (typeof layer?.[key] !== "function")
        throw new UserError({
          where,
          what: `the layer "${name}" has no function ${key}`,
          expected: `the functions ${functions.join(", ")}`,
          mend: "add it",
        });
  return layers as Readonly<Record<string, UserLayer>>;
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
