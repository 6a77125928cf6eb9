import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { findCompiler, installAdvice } from "./build-tools.ts";
import { findNativeRuntime } from "./location.ts";
import { pageMapCheck, pageMapRevision, pageMapSource } from "./page-map-source.ts";
import type { Progress } from "./progress.ts";
import { secondsSince } from "./progress.ts";
import { lastWords, runCommand } from "./run-command.ts";

/** The addon of page-map-source.ts: there, or what it takes to get it. Without it all works, but see the reason. */
export type PageMap =
  | { readonly kind: "ready"; readonly file: string; readonly fresh: boolean }
  | { readonly kind: "unavailable"; readonly reason: string; readonly advice: readonly string[] };

/**
 * The compiled addon's path, or null where there is none. It lies in the native runtime's folder, so it travels in
 * bundles; starts nothing.
 */
export function findPageMap(env: NodeJS.ProcessEnv = process.env): string | null {
  const runtime = findNativeRuntime(env);
  if (runtime === null) return null;
  const file = addonFile(runtime.directory);
  return existsSync(file) ? file : null;
}

/**
 * Compiles the addon where it is missing: a fraction of a second, no download, since its headers came with the
 * runtime. Two at once do no harm: each compiles for itself and renames into place.
 */
export async function ensurePageMap(
  options: { readonly env?: NodeJS.ProcessEnv; readonly progress?: Progress } = {},
): Promise<PageMap> {
  const { env = process.env, progress } = options;
  const runtime = findNativeRuntime(env);
  if (runtime === null)
    return unavailable("its headers come with the native runtime, which is not set up", [
      "npx latentweave setup",
    ]);
  const file = addonFile(runtime.directory);
  if (existsSync(file)) return { kind: "ready", file, fresh: false };
  const compiler = await findCompiler(env);
  if (compiler === null)
    return unavailable("no C++ compiler (g++, clang++) was found", [
      ...installAdvice({ pip: false, compiler: true }),
      "npx latentweave setup",
    ]);
  const startMs = performance.now();
  const failed = await compile(runtime.directory, compiler.command, env);
  if (failed !== undefined) return unavailable(failed, [`see ${path.join(runtime.directory, "setup.log")}`]);
  progress?.line(`Compiled the addon for memory that outlives its process (${secondsSince(startMs)}).`);
  return { kind: "ready", file, fresh: true };
}

function addonFile(directory: string): string {
  return path.join(directory, "page-map", `page_map-${pageMapRevision}.node`);
}

function unavailable(reason: string, advice: readonly string[]): PageMap {
  return { kind: "unavailable", reason, advice };
}

/** Compiles, tries the result, and only then gives it its name. @returns why it could not be made */
async function compile(
  directory: string,
  compiler: string,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const attempt = path.join(directory, `attempt-${randomUUID()}`);
  try {
    mkdirSync(attempt, { recursive: true });
    mkdirSync(path.dirname(addonFile(directory)), { recursive: true });
    writeFileSync(path.join(attempt, "page_map.c"), pageMapSource);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  try {
    const options = { cwd: attempt, env, logFile: path.join(directory, "setup.log"), timeoutMs: 120_000 };
    const compiled = await runCommand(
      compiler,
      [
        ...["-x", "c", "-O2", "-fPIC", "-DNAPI_VERSION=8"],
        `-I${path.join(directory, "node_modules", "node-api-headers", "include")}`,
        ...(process.platform === "darwin" ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"]),
        ...["page_map.c", "-o", "page_map.node"],
      ],
      options,
    );
    if (compiled.kind === "failed")
      return `${compiler} could not compile it (${compiled.reason}): ${lastWords(compiled.output)}`;
    const addon = path.join(attempt, "page_map.node");
    const checked = await runCommand(
      process.execPath,
      ["-e", pageMapCheck, addon, path.join(attempt, "pages")],
      options,
    );
    if (checked.kind === "failed")
      return `it does not work here (${checked.reason}): ${lastWords(checked.output)}`;
    renameSync(addon, addonFile(directory));
    return undefined;
  } finally {
    rmSync(attempt, { recursive: true, force: true });
  }
}
