/**
 * The stages of a native runtime's setup, in order. Each leaves a stamp when it is whole, so a setup that was killed
 * goes on where it stopped; none leaves a half-made file under its final name.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { bindingToLibraries, checkScript, cudaPreloadSource } from "./binding-sources.ts";
import type { Compiler, PipCommand } from "./build-tools.ts";
import packagesLock from "./packages-lock.json" with { type: "json" };
import { formatBytes, type Progress, secondsSince } from "./progress.ts";
import { downloadBytes, type Variant } from "./recipe.ts";
import { type CommandResult, lastWords, runCommand } from "./run-command.ts";
import { extractZip } from "./zip-archive.ts";

export interface StageContext {
  readonly directory: string;
  readonly variant: Variant;
  readonly progress: Progress;
  readonly logFile: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A stage ends well or with one sentence for the user. */
export type StageResult = { readonly kind: "done" } | { readonly kind: "failed"; readonly reason: string };

const done: StageResult = { kind: "done" };

function failure(what: string, result: CommandResult & { kind: "failed" }): StageResult {
  const said = lastWords(result.output);
  return { kind: "failed", reason: `${what} (${result.reason})${said === "" ? "" : `: ${said}`}` };
}

/** Runs a stage unless its stamp is there, and times it for the user. */
export async function stage(
  context: StageContext,
  name: string,
  title: string,
  work: () => Promise<StageResult>,
): Promise<StageResult> {
  const stamp = path.join(context.directory, "stamps", name);
  if (existsSync(stamp)) {
    context.progress.line(`  ${title}: already there`);
    return done;
  }
  const startMs = performance.now();
  context.progress.live(`  ${title} ...`);
  const result = await work();
  if (result.kind === "done") {
    mkdirSync(path.dirname(stamp), { recursive: true });
    writeFileSync(stamp, "");
    context.progress.line(`  ${title}: done in ${secondsSince(startMs)}`);
  } else {
    context.progress.line(`  ${title}: failed. ${result.reason}`);
  }
  return result;
}

export function packageDirectory(directory: string): string {
  return path.join(directory, "node_modules", "@tensorflow", "tfjs-node-gpu");
}

/** npm packages, from the lock file that is part of this program; no install scripts are run. */
export async function installPackages(context: StageContext): Promise<StageResult> {
  const { directory } = context;
  mkdirSync(directory, { recursive: true });
  const root = packagesLock.packages[""];
  const manifest = { name: root.name, version: root.version, private: true, dependencies: root.dependencies };
  writeFileSync(path.join(directory, "package.json"), JSON.stringify(manifest, null, 2));
  writeFileSync(path.join(directory, "package-lock.json"), JSON.stringify(packagesLock, null, 2));
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const result = await runCommand("npm", args, {
    cwd: directory,
    logFile: context.logFile,
    env: context.env,
  });
  return result.kind === "done" ? done : failure("npm could not install @tensorflow/tfjs-node-gpu", result);
}

/** Wheels, for a fixed Python version and platform, so that this machine's Python does not matter. */
export async function downloadWheels(context: StageContext, pip: PipCommand): Promise<StageResult> {
  const { variant, directory } = context;
  const downloads = path.join(directory, "wheels");
  const temporary = path.join(directory, "wheels-partial");
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(downloads, { recursive: true });
  mkdirSync(temporary, { recursive: true });
  const totalBytes = variant.wheels.reduce((sum, wheel) => sum + wheel.wheelBytes, 0);
  const ticker = setInterval(() => {
    const bytes = directoryBytes(temporary) + directoryBytes(downloads);
    const percent = Math.min(100, Math.floor((100 * bytes) / totalBytes));
    context.progress.live(`  TensorFlow ${formatBytes(totalBytes)}: ${formatBytes(bytes)} (${percent}%)`);
  }, 1_000);
  try {
    // One wheel at a time: pip keeps only whole files, so a killed download of many loses one at most.
    for (const wheel of variant.wheels) {
      const requirements = path.join(temporary, "requirements.txt");
      writeFileSync(requirements, `${wheel.requirement} --hash=sha256:${wheel.sha256}\n`);
      const args = [
        ...pip.before,
        "download",
        "--no-deps",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "--progress-bar=off",
        "--only-binary=:all:",
        "--implementation=cp",
        "--python-version=3.12",
        "--abi=cp312",
        "--abi=none",
        ...variant.pipPlatforms.map((platform) => `--platform=${platform}`),
        "--require-hashes",
        `--dest=${downloads}`,
        `--requirement=${requirements}`,
      ];
      const env = { ...context.env, TMPDIR: temporary, PIP_REQUIRE_VIRTUALENV: "0" };
      const result = await runCommand(pip.command, args, { logFile: context.logFile, env });
      if (result.kind === "failed") return failure(`pip could not download ${wheel.requirement}`, result);
    }
  } finally {
    clearInterval(ticker);
    rmSync(temporary, { recursive: true, force: true });
  }
  return done;
}

/** Shared libraries, C headers and licences out of the wheels; the wheels are deleted afterwards. */
export async function unpackWheels(context: StageContext): Promise<StageResult> {
  const { directory, variant } = context;
  const partial = path.join(directory, "site-partial");
  const site = path.join(directory, "site");
  const downloads = path.join(directory, "wheels");
  rmSync(partial, { recursive: true, force: true });
  let bytes = 0;
  const wanted = (name: string): boolean => isNeeded(name, variant);
  try {
    for (const wheel of readdirSync(downloads).filter((name) => name.endsWith(".whl"))) {
      await extractZip(path.join(downloads, wheel), partial, wanted, (count) => {
        bytes += count;
        context.progress.live(`  unpacking: ${formatBytes(bytes)}`);
      });
    }
  } catch (error) {
    // A damaged download must not be taken for a good one by the next try.
    rmSync(downloads, { recursive: true, force: true });
    rmSync(path.join(directory, "stamps", "wheels"), { force: true });
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
  const missing = variant.libraries.filter((name) => !existsSync(path.join(partial, "tensorflow", name)));
  if (missing.length > 0) return { kind: "failed", reason: `the wheel lacks ${missing.join(", ")}` };
  rmSync(site, { recursive: true, force: true });
  renameSync(partial, site);
  rmSync(downloads, { recursive: true, force: true });
  return done;
}

const headerFolders = [
  "tensorflow/include/tensorflow/c/",
  "tensorflow/include/tensorflow/core/platform/",
  "tensorflow/include/tsl/platform/",
  "tensorflow/include/xla/tsl/c/",
];

function isNeeded(name: string, variant: Variant): boolean {
  if (name.endsWith(".h")) return headerFolders.some((folder) => name.startsWith(folder));
  if (/\.dist-info\/(.*LICEN[CS]E.*|METADATA)$/i.test(name)) return true;
  if (/^nvidia\/[^/]+\/lib\//.test(name) || /^nvidia\/cuda_nvcc\/(bin|nvvm)\//.test(name)) return true;
  return variant.libraries.some((library) => name === `tensorflow/${library}`);
}

/** Compiles the npm package's two C++ files against TensorFlow's C headers, with a run path relative to the result. */
export async function compileBinding(context: StageContext, compiler: Compiler): Promise<StageResult> {
  const { directory, variant } = context;
  const packageFolder = packageDirectory(directory);
  const folder = path.join(packageFolder, "lib", "napi-v8");
  mkdirSync(folder, { recursive: true });
  const partial = path.join(folder, "tfjs_binding.partial");
  const isMac = variant.name.includes("darwin");
  const isCuda = variant.name.startsWith("cuda");
  const sources = ["binding/tfjs_backend.cc", "binding/tfjs_binding.cc"];
  if (isCuda) {
    writeFileSync(path.join(packageFolder, "binding", "cuda_preload.cc"), cudaPreloadSource);
    sources.push("binding/cuda_preload.cc");
  }
  const args = [
    ...(isMac ? ["-bundle", "-undefined", "dynamic_lookup"] : ["-shared"]),
    "-fPIC",
    "-O2",
    "-std=c++17",
    "-DNAPI_VERSION=8",
    "-DNODE_GYP_MODULE_NAME=tfjs_binding",
    `-I${path.join(directory, "node_modules", "node-api-headers", "include")}`,
    `-I${path.join(directory, "site", "tensorflow", "include")}`,
    "-I.",
    ...sources,
    "-o",
    partial,
    ...variant.libraries.map((library) => path.join(directory, "site", "tensorflow", library)),
    `-Wl,-rpath,${isMac ? "@loader_path" : "$ORIGIN"}/${bindingToLibraries}`,
    ...(isCuda ? ["-ldl"] : []),
  ];
  const result = await runCommand(compiler.command, args, { cwd: packageFolder, logFile: context.logFile });
  if (result.kind === "failed") return failure(`${compiler.command} could not compile the binding`, result);
  renameSync(partial, path.join(folder, "tfjs_binding.node"));
  return done;
}

/** The package's own way: a TensorFlow library and a compiled binding from its authors' storage. */
export async function downloadByPackage(context: StageContext): Promise<StageResult> {
  const cwd = packageDirectory(context.directory);
  const bin = path.join(context.directory, "node_modules", ".bin");
  const env = { ...context.env, PATH: `${bin}${path.delimiter}${context.env.PATH ?? ""}` };
  const kind = context.variant.name.startsWith("cuda") ? "gpu" : "cpu";
  const options = { cwd, env, logFile: context.logFile, timeoutMs: 300_000 };
  const result = await runCommand(process.execPath, ["scripts/install.js", kind, "download"], options);
  if (result.kind === "failed") return failure("the package's own download did not work", result);
  if (!existsSync(path.join(cwd, "lib", "napi-v8", "tfjs_binding.node"))) {
    return {
      kind: "failed",
      reason: "the package's own download left no binding (its authors have none for this platform)",
    };
  }
  return done;
}

/** What the loaded runtime said of itself. */
export interface CheckedRuntime {
  readonly tensorflow: string;
  readonly gpu: boolean;
}

/** Loads the runtime in a process of its own and multiplies two matrices. */
export async function checkRuntime(
  context: StageContext,
): Promise<CheckedRuntime | { readonly failed: string }> {
  const env = { ...context.env, TF_CPP_MIN_LOG_LEVEL: "2", TF_ENABLE_ONEDNN_OPTS: "0" };
  const options = { cwd: context.directory, env, logFile: context.logFile, timeoutMs: 120_000 };
  const result = await runCommand(process.execPath, ["-e", checkScript], options);
  if (result.kind === "failed")
    return { failed: `the runtime could not be loaded (${result.reason}): ${lastWords(result.output)}` };
  const line = result.output.split("\n").find((text) => text.startsWith('{"tensorflow"'));
  if (line === undefined) return { failed: "the runtime was loaded but did not answer" };
  return JSON.parse(line) as CheckedRuntime;
}

/** Bytes of all files below a folder; files that vanish meanwhile count nothing. */
export function directoryBytes(directory: string): number {
  let bytes = 0;
  try {
    for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
      if (entry.isFile()) bytes += statSync(path.join(entry.parentPath, entry.name)).size;
    }
  } catch {
    return bytes;
  }
  return bytes;
}

/** The line that goes before everything else: what comes, how much, where to. */
export function announcement(variant: Variant, directory: string): string {
  return (
    `Getting native TensorFlow (${variant.name}): ${formatBytes(downloadBytes(variant))} to download, ` +
    `${formatBytes(variant.installedBytes)} on disk, once, into ${directory}`
  );
}
