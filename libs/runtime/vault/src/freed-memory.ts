import { loadAddon } from "./page-map.ts";

/**
 * Memory that this process frees stays with it, to be used again; so it goes on taking as much as it once took. The
 * system fills each page that it hands out with zeros, on first use, one by one: for a process that allocates and frees
 * tensors of megabytes at every step that is a sixth of its time. To be called before other threads are started.
 * @returns false where there is no addon, or another allocator than glibc's
 */
export function keepFreedMemory(env: NodeJS.ProcessEnv = process.env): boolean {
  const addon = loadAddon(env);
  return typeof addon !== "string" && addon.keepFreed();
}
