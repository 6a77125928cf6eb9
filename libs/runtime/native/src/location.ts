import { readFileSync } from "node:fs";
import path from "node:path";
import { cacheDirectory } from "@latentweave/protocol";
import { chooseVariant, thisMachine, type VariantChoice } from "./machine.ts";
import { runtimeKey, type VariantName } from "./recipe.ts";

/**
 * Written last into a runtime's folder, so its presence means that all the rest is there and was loaded once.
 * Paths in it are relative to the folder: the folder can be moved or copied to another machine.
 */
export interface ReadyFile {
  readonly schema: 1;
  readonly variant: VariantName;
  /** How TensorFlow came here: wheel and own compile, or the npm package's own download. */
  readonly how: "wheel" | "package-download";
  readonly tensorflowVersion: string;
  readonly tfjsVersion: string;
  readonly compiler: string | null;
  readonly installedBytes: number;
  readonly setupSeconds: number;
}

/** A native runtime that is ready to be loaded. */
export interface NativeRuntime extends ReadyFile {
  readonly directory: string;
  /** A path to hand to `createRequire`, from which `@tensorflow/tfjs-node-gpu` resolves. */
  readonly requireFrom: string;
  /** CUDA's shared libraries; empty in CPU variants. */
  readonly cuda: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder in which native runtimes lie, one per key. */
export function nativeRoot(env: Environment = process.env): string {
  return path.join(cacheDirectory(env), "native");
}

/** The variant for this machine and this environment. */
export function variantHere(env: Environment = process.env): VariantChoice {
  return chooseVariant(thisMachine(), env.LATENTWEAVE_NATIVE_VARIANT);
}

/**
 * The runtime for this machine, or null when setup has not made it yet. Reads one small file; starts nothing.
 * A machine with a CUDA device whose CUDA runtime is missing gets the CPU one where that is there.
 */
export function findNativeRuntime(env: Environment = process.env): NativeRuntime | null {
  const choice = variantHere(env);
  if (choice.kind !== "variant") return null;
  const found = readRuntime(path.join(nativeRoot(env), runtimeKey(choice.name)));
  if (found !== null || choice.name !== "cuda12-linux-x64") return found;
  return readRuntime(path.join(nativeRoot(env), runtimeKey("cpu-linux-x64")));
}

/** The runtime in one folder, or null where it is absent or unfinished. */
export function readRuntime(directory: string): NativeRuntime | null {
  let text: string;
  try {
    text = readFileSync(path.join(directory, "ready.json"), "utf8");
  } catch {
    return null;
  }
  try {
    const ready = JSON.parse(text) as Omit<ReadyFile, "schema"> & { readonly schema: number };
    if (ready.schema !== 1) return null;
    return {
      ...ready,
      schema: 1,
      directory,
      requireFrom: path.join(directory, "package.json"),
      cuda: ready.variant === "cuda12-linux-x64",
    };
  } catch {
    return null;
  }
}
