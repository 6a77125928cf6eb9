import { createRequire } from "node:module";
import { getSystemErrorName } from "node:util";
import { addons, findAddon } from "@latentweave/native";

/** The compiled addon (libs/runtime/native/src/addons/page-map-source.ts). Every function may throw: see `systemError`. */
export interface PageMapAddon {
  map(view: Uint8Array, fd: number, offset: number): void;
  reserve(fd: number, offset: number, bytes: number): void;
  tryLock(fd: number): boolean;
  address(view: Uint8Array): bigint;
  open(fd: number, bytes: number): ArrayBuffer;
  close(buffer: ArrayBuffer): void;
  keepFreed(): boolean;
  schedule(kind: 0 | 1): boolean;
}

/** Set to "off", memory ends with its process: to see what a run is without a vault, or where one makes trouble. */
const switchName = "LATENTWEAVE_VAULT";

/** The addon for a vault, or why there is none. */
export function loadPageMap(env: NodeJS.ProcessEnv = process.env): PageMapAddon | string {
  return env[switchName] === "off" ? `it is switched off (${switchName}=off)` : loadAddon(env);
}

/** The addon, or why there is none. */
export function loadAddon(env: NodeJS.ProcessEnv): PageMapAddon | string {
  const file = findAddon(addons.pageMap, env);
  if (file === null) return "its addon is missing (`latentweave setup` compiles it)";
  try {
    return createRequire(import.meta.url)(file) as PageMapAddon;
  } catch (error) {
    return `its addon cannot be loaded: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** A failure of the system by its name, ENOSPC for one, whether Node.js or the addon met it. */
export function systemError(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return String(error);
  const number = Number(error.code);
  return Number.isInteger(number) && number > 0 ? getSystemErrorName(-number) : String(error.code);
}
