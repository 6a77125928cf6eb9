import { existsSync, readFileSync, statfsSync } from "node:fs";
import os from "node:os";
import { runCommand } from "@latentweave/native";
import type { DoctorReport } from "./report-shape.ts";

/** The memory file system that tensors between processes of one host go through. */
export function sharedMemory(): DoctorReport["sharedMemory"] {
  const path = "/dev/shm";
  if (!existsSync(path)) return null;
  const { blocks, bavail, bsize } = statfsSync(path);
  return { path, totalBytes: blocks * bsize, freeBytes: bavail * bsize };
}

/** One line per GPU as the driver's own tool lists them; empty where there is none. */
export async function nvidiaDevices(): Promise<string[]> {
  const query = ["--query-gpu=index,name,memory.total,driver_version", "--format=csv,noheader"];
  const result = await runCommand("nvidia-smi", query, { timeoutMs: 20_000 });
  return result.kind === "done" ? result.output.split("\n").filter((line) => line.trim() !== "") : [];
}

/** The distribution's own name for itself. */
export function systemName(): string {
  try {
    const name = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
    if (name !== undefined) return name;
  } catch {
    // Not a Linux with this file.
  }
  return os.type();
}
