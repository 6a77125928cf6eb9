import { readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { DeviceId } from "@latentweave/native";

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

/**
 * A GPU's model and the driver, as the driver's own files give them; every model of the machine where `device` does
 * not tell which it is.
 * @param root where the driver keeps them, outside tests
 */
export function nvidiaIdentity(
  device?: DeviceId,
  root = "/proc/driver/nvidia",
): { readonly gpu: string; readonly driver: string } {
  const version = readText(path.join(root, "version"));
  const gpus = listFolder(path.join(root, "gpus")).map((bus) => {
    const text = readText(path.join(root, "gpus", bus, "information"));
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:\\s*(.*)$`, "m").exec(text)?.[1]?.trim();
    return { model: field("Model") ?? "unknown", uuid: field("GPU UUID") };
  });
  const chosen = typeof device === "number" ? gpus[device] : gpus.find(({ uuid }) => uuid === device);
  const models = [...new Set((chosen ? [chosen] : gpus).map(({ model }) => model))].sort();
  return {
    gpu: models.length === 0 ? "unknown" : models.join(", "),
    driver: /\b(\d{3,}\.\d+(?:\.\d+)?)\b/.exec(version)?.[1] ?? "unknown",
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** By bus address, which is also the order of nvidia-smi's numbers. */
function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
