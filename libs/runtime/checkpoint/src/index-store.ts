import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { RootDatabase } from "lmdb";

/** A sorted map on disk or in memory, by name and number. */
export interface IndexStore {
  get(table: string, key: number): unknown;
  put(table: string, key: number, value: unknown): void;
  /** All keys from this one on. */
  removeFrom(table: string, key: number): void;
  clear(): void;
  /** Changes in `work` are kept together or not at all. */
  transaction(work: () => void): void;
  /** Makes durable what was changed. */
  save(): Promise<void>;
  close(): Promise<void>;
}

const most = Number.MAX_SAFE_INTEGER;

/**
 * An LMDB file with the SHA-256 of its bytes beside it. LMDB maps the file and trusts it, so one that anything else has
 * touched, or that a crash left between two writes, is never opened: it is removed, and the index is made again.
 * @throws when the folder cannot be written, or this platform has no LMDB
 */
export async function openDiskStore(folder: string): Promise<IndexStore> {
  const file = path.join(folder, "index.mdb");
  const checksum = path.join(folder, "index.sha256");
  if (!isAsSaved(file, checksum))
    for (const name of [file, `${file}-lock`, checksum]) rmSync(name, { force: true });
  const { open } = await import("lmdb");
  const database: RootDatabase<unknown, [string, number]> = open({
    path: file,
    noSubdir: true,
    commitDelay: 0,
  });
  let changed = !existsSync(checksum);
  return {
    get: (table, key) => database.get([table, key]),
    put(table, key, value) {
      changed = true;
      database.putSync([table, key], value);
    },
    removeFrom(table, key) {
      changed = true;
      for (const found of [...database.getKeys({ start: [table, key], end: [table, most] })])
        database.removeSync(found);
    },
    clear() {
      changed = true;
      database.clearSync();
    },
    transaction: (work) => database.transactionSync(work),
    async save() {
      if (!changed) return;
      rmSync(checksum, { force: true });
      await database.flushed;
      writeFileSync(checksum, `${digestOf(file)}\n`);
      changed = false;
    },
    close: () => database.close(),
  };
}

function isAsSaved(file: string, checksum: string): boolean {
  try {
    return readFileSync(checksum, "utf8") === `${digestOf(file)}\n`;
  } catch {
    return false;
  }
}

function digestOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** For folders that cannot be written, and platforms without LMDB. */
export function createMemoryStore(): IndexStore {
  const tables = new Map<string, Map<number, unknown>>();
  const table = (name: string): Map<number, unknown> => {
    let found = tables.get(name);
    if (!found) tables.set(name, (found = new Map<number, unknown>()));
    return found;
  };
  return {
    get: (name, key) => table(name).get(key),
    put: (name, key, value) => void table(name).set(key, value),
    removeFrom(name, key) {
      for (const found of table(name).keys()) if (found >= key) table(name).delete(found);
    },
    clear: () => tables.clear(),
    transaction: (work) => work(),
    save: async () => undefined,
    close: async () => undefined,
  };
}
