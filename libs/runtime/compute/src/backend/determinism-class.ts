import { readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/**
 * The widest instruction set of this CPU that TensorFlow's matrix kernels choose by, in oneDNN's spelling, cut to
 * `limit` (ONEDNN_MAX_CPU_ISA) where that is lower.
 */
export function instructionSet(limit: string | undefined, flags = cpuFlags()): string {
  if (flags === null) return process.arch;
  const ladder: readonly (readonly [string, string])[] = [
    ["SSE41", "sse4_1"],
    ["AVX", "avx"],
    ["AVX2", "avx2"],
    ["AVX512_CORE", "avx512bw"],
    ["AVX512_CORE_VNNI", "avx512_vnni"],
    ["AVX512_CORE_BF16", "avx512_bf16"],
    ["AVX512_CORE_FP16", "avx512_fp16"],
    ["AVX512_CORE_AMX", "amx_tile"],
  ];
  let widest: string = process.arch;
  for (const [name, flag] of ladder) {
    if (!flags.has(flag)) break;
    widest = name;
    if (name === limit) break;
  }
  return widest;
}

/** null where the system does not list them. */
function cpuFlags(): ReadonlySet<string> | null {
  try {
    const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1];
    return line === undefined ? null : new Set(line.trim().split(/\s+/));
  } catch {
    return null;
  }
}

/** As the system names it: matrix kernels block by its caches, so another model may sum in another order. */
export function cpuModel(): string {
  return os.cpus()[0]?.model.trim() ?? "unknown";
}

/** GPU model and driver as the driver's own files give them. */
export function nvidiaIdentity(root = "/proc/driver/nvidia"): Record<string, string> {
  const identity: { gpu: string; driver?: string } = { gpu: "unknown" };
  try {
    const version = readFileSync(path.join(root, "version"), "utf8");
    identity.driver = /\b(\d{3,}\.\d+(?:\.\d+)?)\b/.exec(version)?.[1] ?? "unknown";
    const models = readdirSync(path.join(root, "gpus")).map((gpu) => {
      const text = readFileSync(path.join(root, "gpus", gpu, "information"), "utf8");
      return /^Model:\s*(.*)$/m.exec(text)?.[1]?.trim() ?? "unknown";
    });
    identity.gpu = [...new Set(models)].sort().join(", ");
  } catch {
    return identity;
  }
  return identity;
}
