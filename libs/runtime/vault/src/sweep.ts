import fs from "node:fs";
import path from "node:path";
import { lockFile, removeLocked } from "./locked-file.ts";
import type { PageMapAddon } from "./page-map.ts";

const prefix = "latentweave-vault-";

/** Names that come here are made of run ids, so they hold nothing that a path could be made of. */
export function vaultFile(directory: string, name: string): string {
  return path.join(directory, `${prefix}${name.replace(/[^\w.-]/g, "_")}`);
}

export interface Sweep {
  /** How the names begin, as for `vaultFile`; all by default. */
  readonly names?: string;
  /** A file to leave alone. */
  readonly own?: string;
  /** How long nobody has touched what is removed. A holder touches its file every `touchMs` (open-vault.ts). */
  readonly idleMs: number;
}

/** Removes what killed processes left behind: vaults of this user that no process holds. @returns their paths */
export function sweep(addon: PageMapAddon, directory: string, { names = "", own, idleMs }: Sweep): string[] {
  const removed: string[] = [];
  const beginning = path.basename(vaultFile(directory, names));
  for (const name of fs.readdirSync(directory)) {
    const file = path.join(directory, name);
    if (!name.startsWith(beginning) || file === own) continue;
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
