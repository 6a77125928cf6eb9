import { createRequire } from "node:module";
import {
  type Arithmetic,
  differingKernel,
  loadArithmetic,
  type NativeKernels,
} from "@latentweave/arithmetic";
import { addons, findAddon } from "./addon.ts";

/** What the addon has: besides the module's kernels, one that only moves numbers. */
export interface Kernels extends NativeKernels {
  /**
   * Rows of bytes become rows of numbers.
   * @param table 256 numbers: what each byte stands for
   * @param pairs (row of `bytes`, row of `out`), one pair after the other
   * @throws RangeError for a row that is not there
   */
  gather(out: Float32Array, bytes: Uint8Array, table: Float32Array, pairs: Int32Array, width: number): void;
}

/** Set to "off", everything is computed in WebAssembly: the same bits, slower. */
const switchName = "LATENTWEAVE_KERNELS";

const loaded = new Map<string, Kernels | string>();

/** Kernels whose bits have been compared with those of the WebAssembly module in this process, or why there are none. */
export function loadKernels(env: NodeJS.ProcessEnv = process.env): Kernels | string {
  if (env[switchName] === "off") return `they are switched off (${switchName}=off)`;
  const file = findAddon(addons.kernels, env);
  if (file === null) return "their addon is missing (`latentweave setup` compiles it)";
  let kernels = loaded.get(file);
  if (kernels === undefined) loaded.set(file, (kernels = loadFrom(file)));
  return kernels;
}

function loadFrom(file: string): Kernels | string {
  try {
    const kernels = createRequire(import.meta.url)(file) as Kernels;
    const differing = differingKernel(loadArithmetic(), loadArithmetic(kernels));
    return differing === undefined ? kernels : `they differ from the module: ${differing}`;
  } catch (error) {
    return `their addon cannot be loaded: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * An arithmetic that is as fast as this machine allows; the same bits in any case.
 * @param onSlow told why it is no faster than WebAssembly
 * @param threads as many of the process share what can be shared, the caller's included
 */
export function loadFastArithmetic(
  env: NodeJS.ProcessEnv = process.env,
  onSlow: (reason: string) => void = () => undefined,
  threads = 1,
): Arithmetic {
  const kernels = loadKernels(env);
  if (typeof kernels === "string") {
    onSlow(kernels);
    return loadArithmetic();
  }
  if (threads > 1) kernels.useThreads(threads);
  return loadArithmetic(kernels);
}
