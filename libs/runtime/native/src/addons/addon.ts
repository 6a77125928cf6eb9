import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { findCompiler, installAdvice } from "../build-tools.ts";
import { findNativeRuntime } from "../location.ts";
import type { Progress } from "../progress.ts";
import { secondsSince } from "../progress.ts";
import { lastWords, runCommand } from "../run-command.ts";
import type { AddonSource } from "./addon-source.ts";
import { kernelsAddon } from "./kernels-source.ts";
import { pageMapAddon } from "./page-map-source.ts";
import { programsAddon } from "./programs-source.ts";

export const addons = { pageMap: pageMapAddon, kernels: kernelsAddon, programs: programsAddon } as const;

/** There, or what it takes to get it. */
export type AddonState =
  | { readonly kind: "ready"; readonly file: string; readonly fresh: boolean }
  | { readonly kind: "unavailable"; readonly reason: string; readonly advice: readonly string[] };

/**
 * The compiled addon's path, or null where there is none. It lies in the native runtime's folder, so it travels in
 * bundles; starts nothing.
 */
export function findAddon(addon: AddonSource, env: NodeJS.ProcessEnv = process.env): string | null {
  const runtime = findNativeRuntime(env);
  if (runtime === null) return null;
  const file = addonFile(addon, runtime.directory);
  return existsSync(file) ? file : null;
}

/**
 * Compiles the addon where it is missing: a fraction of a second, no download, since its headers came with the
 * runtime. Two at once do no harm: each compiles for itself and renames into place.
 */
export async function ensureAddon(
  addon: AddonSource,
  options: { readonly env?: NodeJS.ProcessEnv; readonly progress?: Progress } = {},
): Promise<AddonState> {
  const { env = process.env, progress } = options;
  const runtime = findNativeRuntime(env);
  if (runtime === null)
    return unavailable("its headers come with the native runtime, which is not set up", [
      "npx latentweave setup",
    ]);
  const file = addonFile(addon, runtime.directory);
  if (existsSync(file)) return { kind: "ready", file, fresh: false };
  const compiler = await findCompiler(env);
  if (compiler === null)
    return unavailable("no C++ compiler (g++, clang++) was found", [
      ...installAdvice({ pip: false, compiler: true }),
      "npx latentweave setup",
    ]);
  const startMs = performance.now();
  const failed = await compile(addon, runtime.directory, compiler.command, env);
  if (failed !== undefined) return unavailable(failed, [`see ${path.join(runtime.directory, "setup.log")}`]);
  progress?.line(`Compiled the addon for ${addon.title} (${secondsSince(startMs)}).`);
  return { kind: "ready", file, fresh: true };
}

function addonFile({ name, source, flags }: AddonSource, directory: string): string {
  const revision = createHash("sha256")
    .update(JSON.stringify([source, flags]))
    .digest("hex")
    .slice(0, 12);
  return path.join(directory, "addons", `${name}-${revision}.node`);
}

/** Its C headers, and its libraries where the binding finds them too: loaded once, whoever comes first. */
function tensorFlowArguments(directory: string): string[] {
  const folder = path.join(directory, "site", "tensorflow");
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const libraries = names.filter((name) => name.startsWith("libtensorflow_"));
  const origin = process.platform === "darwin" ? "@loader_path" : "$ORIGIN";
  return [
    `-I${path.join(folder, "include")}`,
    // What is tried lies in a folder beside the one for what is kept.
    `-Wl,-rpath,${origin}/../site/tensorflow`,
    ...["-x", "none"],
    ...libraries.map((name) => path.join(folder, name)),
  ];
}

function unavailable(reason: string, advice: readonly string[]): AddonState {
  return { kind: "unavailable", reason, advice };
}

/** Compiles, tries the result, and only then gives it its name. @returns why it could not be made */
async function compile(
  addon: AddonSource,
  directory: string,
  compiler: string,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const attempt = path.join(directory, `attempt-${randomUUID()}`);
  const file = addonFile(addon, directory);
  try {
    mkdirSync(attempt, { recursive: true });
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(path.join(attempt, `${addon.name}.c`), addon.source);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  try {
    const options = { cwd: attempt, env, logFile: path.join(directory, "setup.log"), timeoutMs: 120_000 };
    const always = [
      ...["-x", "c", "-fPIC", "-DNAPI_VERSION=8"],
      `-I${path.join(directory, "node_modules", "node-api-headers", "include")}`,
      ...(process.platform === "darwin" ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"]),
    ];
    const names = [`${addon.name}.c`, "-o", `${addon.name}.node`];
    const tensorFlow = addon.usesTensorFlow === true ? tensorFlowArguments(directory) : [];
    let failure: string | undefined = "there are no flags to compile it with";
    for (const flags of addon.flags) {
      const compiled = await runCommand(compiler, [...always, ...flags, ...names, ...tensorFlow], options);
      failure =
        compiled.kind === "failed"
          ? `${compiler} could not compile it (${compiled.reason}): ${lastWords(compiled.output)}`
          : undefined;
      if (failure === undefined) break;
    }
    if (failure !== undefined) return failure;
    const made = path.join(attempt, `${addon.name}.node`);
    const checked = await runCommand(
      process.execPath,
      ["-e", addon.check, made, path.join(attempt, "file")],
      options,
    );
    if (checked.kind === "failed")
      return `it does not work here (${checked.reason}): ${lastWords(checked.output)}`;
    renameSync(made, file);
    return undefined;
  } finally {
    rmSync(attempt, { recursive: true, force: true });
  }
}
