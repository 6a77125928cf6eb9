import fs from "node:fs";
import path from "node:path";
import { lockFile, removeLocked } from "./locked-file.ts";
import type { PageMapAddon } from "./page-map.ts";

const prefix = "latentweave-vault-";

/** Names that come here are made of run ids, so they hold nothing that a path could be made of. */
export function vaultFile(directory: string, name: string): string {
  return path.join(directory, `${prefix}${name.replace(/[^\w.-]/g, "_")}`);
}

/**
 * Removes what runs left behind that were killed and never came back: files of this prefix and user that no process
 * holds and that nobody touched for `idleMs`. A holder touches its file every `touchMs`.
 */
export function sweep(addon: PageMapAddon, directory: string, own: string, idleMs: number): string[] {
  const removed: string[] = [];
  for (const name of fs.readdirSync(directory)) {
    const file = path.join(directory, name);
    if (!name.startsWith(prefix) || file === own) continue;
    const found = lockFile(addon, file, false, 0);
    if (found.kind !== "locked") continue;
    if (Date.now() - fs.fstatSync(found.fd).mtimeMs < idleMs) {
      fs.closeSync(found.fd);
      continue;
    }
    removeLocked(found);
    removed.push(file);
  }
  return removed;
}
