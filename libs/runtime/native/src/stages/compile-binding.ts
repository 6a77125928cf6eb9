import { randomUUID } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { bindingToLibraries, cudaPreloadSource } from "../binding-sources.ts";
import type { Compiler } from "../build-tools.ts";
import { runCommand } from "../run-command.ts";
import { packageDirectory } from "./packages.ts";
import { done, failure, type StageContext, type StageResult } from "./stage.ts";

/** Compiles the npm package's two C++ files against TensorFlow's C headers, with a run path relative to the result. */
export async function compileBinding(context: StageContext, compiler: Compiler): Promise<StageResult> {
  const { directory, variant } = context;
  const packageFolder = packageDirectory(directory);
  const folder = path.join(packageFolder, "lib", "napi-v8");
  mkdirSync(folder, { recursive: true });
  const partial = path.join(folder, `tfjs_binding.${randomUUID()}`);
  const isMac = variant.name.includes("darwin");
  const isCuda = variant.name.startsWith("cuda");
  const sources = ["binding/tfjs_backend.cc", "binding/tfjs_binding.cc"];
  if (isCuda) {
    writeFileSync(path.join(packageFolder, "binding", "cuda_preload.cc"), cudaPreloadSource);
    sources.push("binding/cuda_preload.cc");
  }
  const flags = [
    "-fPIC",
    "-O2",
    "-std=c++17",
    "-DNAPI_VERSION=8",
    "-DNODE_GYP_MODULE_NAME=tfjs_binding",
    `-I${path.join(directory, "node_modules", "node-api-headers", "include")}`,
    `-I${path.join(directory, "site", "tensorflow", "include")}`,
    "-I.",
  ];
  const options = { cwd: packageFolder, logFile: context.logFile, env: context.env };
  const objects = sources.map((source) => `${source}.o`);
  const compiled = await Promise.all(
    sources.map((source) =>
      runCommand(compiler.command, [...flags, "-c", source, "-o", `${source}.o`], options),
    ),
  );
  const linkArgs = [
    ...(isMac ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"]),
    ...objects,
    "-o",
    partial,
    ...variant.libraries.map((library) => path.join(directory, "site", "tensorflow", library)),
    `-Wl,-rpath,${isMac ? "@loader_path" : "$ORIGIN"}/${bindingToLibraries}`,
    ...(isCuda ? ["-ldl"] : []),
  ];
  const linked =
    compiled.find((result) => result.kind === "failed") ??
    (await runCommand(compiler.command, linkArgs, options));
  for (const object of objects) rmSync(path.join(packageFolder, object), { force: true });
  if (linked.kind === "failed") return failure(`${compiler.command} could not compile the binding`, linked);
  renameSync(partial, path.join(folder, "tfjs_binding.node"));
  return done;
}
