import { randomBytes } from "node:crypto";
import { readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "./disk-error.ts";

/**
 * Names in a run's `checkpoints` folder. `step-00000400` is a whole checkpoint; names that begin with a dot are being
 * written or removed, are never read, and are swept away when the run is next opened.
 */
const pattern = /^step-(\d{8,})$/;

export function checkpointName(version: number): string {
  return `step-${String(version).padStart(8, "0")}`;
}

export interface StoredCheckpoint {
  readonly version: number;
  readonly directory: string;
}

/** Newest first; nothing is said about whether they are whole. */
export async function listCheckpoints(checkpoints: string): Promise<readonly StoredCheckpoint[]> {
  return (await namesIn(checkpoints))
    .flatMap((name): StoredCheckpoint[] => {
      const version = Number(pattern.exec(name)?.[1]);
      return Number.isSafeInteger(version) ? [{ version, directory: path.join(checkpoints, name) }] : [];
    })
    .sort((a, b) => b.version - a.version);
}

export function temporaryName(checkpoints: string, kind: "writing" | "removing", version: number): string {
  return path.join(checkpoints, `.${kind}-${checkpointName(version)}-${randomBytes(6).toString("hex")}`);
}

/** Removes what a process that died left behind. */
export async function sweep(checkpoints: string): Promise<void> {
  for (const name of await namesIn(checkpoints))
    if (/^\.(writing|removing)-step-/.test(name))
      await rm(path.join(checkpoints, name), { recursive: true, force: true });
}

/** Renamed first, so that a removal that is cut short never looks like a checkpoint. */
export async function removeCheckpoint(checkpoints: string, stored: StoredCheckpoint): Promise<void> {
  const aside = temporaryName(checkpoints, "removing", stored.version);
  await rename(stored.directory, aside);
  await rm(aside, { recursive: true, force: true });
}

/**
 * Keeps the `keep` newest, what is pinned of those that are there, and always `written`, which has just been read back and
 * found whole: after a resume from before a damaged checkpoint it need not be the newest by number.
 */
export async function retain(
  checkpoints: string,
  keep: number,
  written: number,
  pinned: (there: ReadonlySet<number>) => ReadonlySet<number> = () => new Set(),
): Promise<void> {
  const stored = await listCheckpoints(checkpoints);
  const kept = pinned(new Set(stored.map(({ version }) => version)));
  const surplus = stored
    .slice(Math.max(1, keep))
    .filter(({ version }) => version !== written && !kept.has(version));
  for (const one of surplus) await removeCheckpoint(checkpoints, one);
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}
