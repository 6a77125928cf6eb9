import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { randomUUID } from "node:crypto";

/**
 * One setup at a time per folder, across processes and hosts that share the cache.
 * 1. The lock is a file created exclusively; who creates it holds it.
 * 2. The holder touches it every `beatMs`; a lock that is not touched for `staleMs`, or whose process is gone from
 *    this host, belongs to nobody.
 * 3. A stale lock is first moved away under a unique name, so of several who find it stale only one removes it;
 *    who finds that it moved away a newer lock than the one it judged puts that back.
 */
const beatMs = 2_000;
const staleMs = 30_000;
const pollMs = 200;

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly token: string;
}

/** Waits for the lock; `onWait` is told once who holds it. The returned function releases it. */
export async function acquireSetupLock(
  lockFile: string,
  onWait: (holder: string) => void,
): Promise<() => void> {
  mkdirSync(path.dirname(lockFile), { recursive: true });
  const own: Holder = { pid: process.pid, host: os.hostname(), token: randomUUID() };
  let announced = false;
  for (;;) {
    try {
      writeFileSync(lockFile, JSON.stringify(own), { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = readHolder(lockFile);
    if (holder === "gone") continue;
    if (isStale(lockFile, holder)) {
      removeStale(lockFile, holder);
      continue;
    }
    if (!announced) {
      announced = true;
      onWait(holder === null ? "another process" : `process ${holder.pid} on ${holder.host}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  const beat = setInterval(() => {
    try {
      utimesSync(lockFile, new Date(), new Date());
    } catch {
      // The folder was removed under us; the stages will say so.
    }
  }, beatMs);
  beat.unref();
  return () => {
    clearInterval(beat);
    const holder = readHolder(lockFile);
    if (holder !== null && holder !== "gone" && holder.token === own.token) rmSync(lockFile, { force: true });
  };
}

/** null: the file is there but half written. */
function readHolder(lockFile: string): Holder | null | "gone" {
  try {
    return JSON.parse(readFileSync(lockFile, "utf8")) as Holder;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "gone" : null;
  }
}

function isStale(lockFile: string, holder: Holder | null): boolean {
  if (holder !== null && holder.host === os.hostname() && !isAlive(holder.pid)) return true;
  try {
    return Date.now() - statSync(lockFile).mtimeMs > staleMs;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function removeStale(lockFile: string, judged: Holder | null): void {
  const aside = `${lockFile}.${randomUUID()}`;
  try {
    renameSync(lockFile, aside);
    const moved = readHolder(aside);
    const isNewer = moved !== null && moved !== "gone" && moved.token !== judged?.token;
    if (isNewer) linkSync(aside, lockFile);
    rmSync(aside, { force: true });
  } catch {
    // Someone else moved it first.
  }
}
