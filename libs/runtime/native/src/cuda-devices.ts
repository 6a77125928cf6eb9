import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { probeNvidia } from "./machine.ts";

/**
 * The CUDA devices that a process started here would see, as CUDA_VISIBLE_DEVICES names them: the numbers or UUIDs in
 * that variable where it is set, else one number per device file of the driver. Starts no process and asks no library.
 * @param root "/" outside tests
 */
export function visibleCudaDevices(
  env: Readonly<Record<string, string | undefined>> = process.env,
  root = "/",
): readonly string[] {
  if (probeNvidia(root).kind !== "driver") return [];
  const asked = env.CUDA_VISIBLE_DEVICES;
  if (asked === undefined) return Array.from({ length: countDevices(root) }, (_, index) => String(index));
  const names = asked.split(",").map((name) => name.trim());
  // As CUDA reads it: what follows an entry that names no device is not visible either.
  const end = names.findIndex((name) => name === "" || name.startsWith("-"));
  return end < 0 ? names : names.slice(0, end);
}

function countDevices(root: string): number {
  const folder = path.join(root, "dev");
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => /^nvidia\d+$/.test(name)) : [];
  // Where the driver is passed through from Windows there are no such files, and one device.
  return Math.max(1, files.length);
}
