import { mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { findCompiler, findNpm, findPip, installAdvice, type PipCommand } from "./build-tools.ts";
import {
  findNativeRuntime,
  nativeRoot,
  type NativeRuntime,
  type ReadyFile,
  readRuntime,
  variantHere,
} from "./location.ts";
import { formatBytes, type Progress, secondsSince, stderrProgress } from "./progress.ts";
import {
  downloadBytes,
  runtimeKey,
  tensorflowVersion,
  tfjsVersion,
  type Variant,
  variants,
} from "./recipe.ts";
import { acquireSetupLock } from "./setup-lock.ts";
import { directoryBytes } from "./directory-bytes.ts";
import { removeAttempts } from "./stages/attempts.ts";
import { checkRuntime } from "./stages/check-runtime.ts";
import { compileBinding } from "./stages/compile-binding.ts";
import { downloadWheels } from "./stages/download-wheels.ts";
import { downloadByPackage } from "./stages/own-download.ts";
import { installPackages } from "./stages/packages.ts";
import { stage, type StageContext, type StageResult } from "./stages/stage.ts";
import { unpackWheels } from "./stages/unpack-wheels.ts";

/** What setup reached. `unavailable` is no failure of the program: training goes on with the next backend. */
export type InstallOutcome =
  | {
      readonly kind: "ready";
      readonly runtime: NativeRuntime;
      readonly fresh: boolean;
      readonly notes: readonly string[];
    }
  | { readonly kind: "unavailable"; readonly reasons: readonly string[]; readonly advice: readonly string[] };

export interface InstallOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly progress?: Progress;
}

/**
 * Makes sure that this machine's native runtime is there; instant when it is. Otherwise: npm packages, TensorFlow's
 * wheel, compile, check; where that fails, the npm package's own download; each step is announced on `progress`
 * (standard error). Safe to kill and to run twice at once.
 */
export async function installNative(options: InstallOptions = {}): Promise<InstallOutcome> {
  const env = options.env ?? process.env;
  const progress = options.progress ?? stderrProgress();
  const choice = variantHere(env);
  if (choice.kind === "unsupported") return fallBack(env, progress, [choice.reason], []);
  const variant = variants[choice.name];
  const directory = path.join(nativeRoot(env), runtimeKey(choice.name));
  const present = readRuntime(directory);
  if (present !== null) return { kind: "ready", runtime: present, fresh: false, notes: choice.notes };

  for (const note of choice.notes) progress.line(note);
  mkdirSync(nativeRoot(env), { recursive: true });
  const release = await acquireSetupLock(`${directory}.lock`, (holder) =>
    progress.line(`Another setup is at work (${holder}); waiting for it to end.`),
  );
  try {
    const meanwhile = readRuntime(directory);
    if (meanwhile !== null) return { kind: "ready", runtime: meanwhile, fresh: false, notes: choice.notes };
    return await build({ directory, variant, progress, env, notes: choice.notes });
  } finally {
    release();
  }
}

interface BuildOrder {
  readonly directory: string;
  readonly variant: Variant;
  readonly progress: Progress;
  readonly env: NodeJS.ProcessEnv;
  readonly notes: readonly string[];
}

async function build(order: BuildOrder): Promise<InstallOutcome> {
  const { directory, variant, progress, env } = order;
  const startMs = performance.now();
  mkdirSync(directory, { recursive: true });
  const logFile = path.join(directory, "setup.log");
  const context: StageContext = { directory, variant, progress, logFile, env };

  progress.line(announcement(variant, directory));
  if (!variant.tried)
    progress.line(
      `  (${variant.name} is built from the same recipe as the others, but its authors could not try it on such hardware)`,
    );
  const room = statfsSync(directory);
  const freeBytes = room.bavail * room.bsize;
  const neededBytes = variant.installedBytes + downloadBytes(variant);
  if (freeBytes < neededBytes) {
    const reason = `${formatBytes(neededBytes)} are needed for a moment under ${directory}, ${formatBytes(freeBytes)} are free`;
    return fallBack(
      env,
      progress,
      [reason],
      ["free some space, or set LATENTWEAVE_CACHE to a folder on a larger disk"],
    );
  }

  const [npm, pip, compiler] = [await findNpm(env), await findPip(env), await findCompiler(env)];
  if (npm === null) return fallBack(env, progress, ["npm was not found"], ["install Node.js with npm"]);
  removeAttempts(directory);
  // Independent of each other, and both wait for the network more than for the processor.
  const [packages, libraries] = await Promise.all([
    stage(context, "packages", "npm packages", () => installPackages(context)),
    pip !== null && compiler !== null ? getLibraries(context, pip) : null,
  ]);
  if (packages.kind === "failed") return fallBack(env, progress, [packages.reason], [`see ${logFile}`]);

  const reasons: string[] = [];
  const advice = installAdvice({ pip: pip === null, compiler: compiler === null });
  if (pip === null) reasons.push("no pip (python3 -m pip, pip3, pip or uv) was found");
  if (compiler === null) reasons.push("no C++ compiler (g++, clang++) was found");
  if (libraries !== null && compiler !== null) {
    const binding =
      libraries.kind === "failed"
        ? libraries
        : await stage(context, "binding", "compiling the binding", () => compileBinding(context, compiler));
    if (binding.kind === "done") {
      const outcome = await finish(order, "wheel", compiler.version, startMs);
      if (outcome.kind === "ready") return outcome;
      reasons.push(...outcome.reasons);
    } else {
      reasons.push(binding.reason);
    }
    advice.push(`see ${logFile}`);
  } else {
    for (const reason of reasons) progress.line(`  ${reason}`);
  }
  progress.line(
    "Falling back to the package's own download (an older TensorFlow from its authors' storage).",
  );
  const own = await stage(context, "own-download", "own download", () => downloadByPackage(context));
  if (own.kind === "done") {
    const outcome = await finish(order, "package-download", null, startMs);
    if (outcome.kind === "ready") return outcome;
    reasons.push(...outcome.reasons);
  } else {
    reasons.push(own.reason);
  }
  return fallBack(env, progress, reasons, advice);
}

async function getLibraries(context: StageContext, pip: PipCommand): Promise<StageResult> {
  const wheels = await stage(context, "wheels", "TensorFlow's libraries", () => downloadWheels(context, pip));
  if (wheels.kind === "failed") return wheels;
  return await stage(context, "site", "unpacking", () => unpackWheels(context));
}

async function finish(
  order: BuildOrder,
  how: ReadyFile["how"],
  compiler: string | null,
  startMs: number,
): Promise<InstallOutcome> {
  const { directory, variant, progress, env } = order;
  const context: StageContext = {
    directory,
    variant,
    progress,
    env,
    logFile: path.join(directory, "setup.log"),
  };
  const checked = await checkRuntime(context);
  if ("failed" in checked) {
    progress.line(`  check: ${checked.failed}`);
    rmSync(path.join(directory, "stamps"), { recursive: true, force: true });
    return { kind: "unavailable", reasons: [checked.failed], advice: [`see ${context.logFile}`] };
  }
  const ready: ReadyFile = {
    schema: 1,
    variant: variant.name,
    how,
    tensorflowVersion: checked.tensorflow,
    tfjsVersion,
    compiler,
    installedBytes: directoryBytes(directory),
    setupSeconds: Math.round(performance.now() - startMs) / 1000,
  };
  const partial = path.join(directory, "ready.json.partial");
  writeFileSync(partial, JSON.stringify(ready, null, 2));
  renameSync(partial, path.join(directory, "ready.json"));
  const where = checked.gpu ? "on the GPU" : "on the CPU";
  progress.line(
    `Native TensorFlow ${checked.tensorflow} works ${where} (${formatBytes(ready.installedBytes)}, ${secondsSince(startMs)}).`,
  );
  const runtime = readRuntime(directory);
  if (runtime === null) throw new Error(`${directory}/ready.json was written but cannot be read`);
  return { kind: "ready", runtime, fresh: true, notes: order.notes };
}

/** Says what comes next in design order, and what it costs; figures are those of docs/native-runtime.md. */
function fallBack(
  env: NodeJS.ProcessEnv,
  progress: Progress,
  reasons: readonly string[],
  advice: readonly string[],
): InstallOutcome {
  const other = findNativeRuntime(env);
  if (other !== null) {
    progress.line(`Using the native runtime that is already there instead: ${other.directory}`);
    return { kind: "ready", runtime: other, fresh: false, notes: reasons };
  }
  progress.line("Native TensorFlow is not available:");
  for (const reason of reasons) progress.line(`  - ${reason}`);
  for (const text of advice) progress.line(`  to mend: ${text}`);
  progress.line("WebGPU: not available (this version has no WebGPU backend).");
  progress.line(
    "WASM is used instead: everything works but the training of convolutions, many times slower; `latentweave doctor` measures it here.",
  );
  return { kind: "unavailable", reasons, advice };
}

/** The TensorFlow that a fresh setup would bring. */
export const pinnedVersions = { tensorflow: tensorflowVersion, tfjs: tfjsVersion };

/** The line that goes before everything else: what comes, how much, where to. */
function announcement(variant: Variant, directory: string): string {
  return (
    `Getting native TensorFlow (${variant.name}): ${formatBytes(downloadBytes(variant))} to download, ` +
    `${formatBytes(variant.installedBytes)} on disk, once, into ${directory}`
  );
}
