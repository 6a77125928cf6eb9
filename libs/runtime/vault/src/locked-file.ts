import fs from "node:fs";
import type { PageMapAddon } from "./page-map.ts";
import { systemError } from "./page-map.ts";

/** A file that this process alone holds, as long as `fd` is open; the system gives the lock back when it ends. */
export interface LockedFile {
  readonly file: string;
  readonly fd: number;
}

export type LockOutcome =
  | ({ readonly kind: "locked" } & LockedFile)
  | { readonly kind: "absent" }
  /** A living process has it. */
  | { readonly kind: "held" }
  | { readonly kind: "failed"; readonly reason: string };

const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants;
const pollMs = 10;

/**
 * Opens and locks a file of this user. Files are replaced by others (a sweep removes what nobody holds), so a lock
 * counts only while the name still leads to the file that was locked.
 * @param waitMs how long a holder is waited for, with this thread asleep: one that was killed is gone in a moment
 */
export function lockFile(addon: PageMapAddon, file: string, create: boolean, waitMs: number): LockOutcome {
  const until = performance.now() + waitMs;
  for (;;) {
    let fd: number;
    try {
      fd = fs.openSync(file, O_RDWR | O_NOFOLLOW | (create ? O_CREAT : 0), 0o600);
    } catch (error) {
      const reason = systemError(error);
      return reason === "ENOENT" && !create ? { kind: "absent" } : { kind: "failed", reason };
    }
    let keep = false;
    try {
      const opened = fs.fstatSync(fd);
      if (!opened.isFile() || opened.uid !== process.getuid?.())
        return { kind: "failed", reason: "another user's file is in its place" };
      if (addon.tryLock(fd)) {
        keep = isStillNamed(file, opened);
        if (keep) return { kind: "locked", file, fd };
      } else if (performance.now() >= until) {
        return { kind: "held" };
      } else {
        sleep(pollMs);
      }
    } catch (error) {
      return { kind: "failed", reason: systemError(error) };
    } finally {
      if (!keep) fs.closeSync(fd);
    }
  }
}

function isStillNamed(file: string, opened: fs.Stats): boolean {
  const named = fs.statSync(file, { throwIfNoEntry: false });
  return named?.ino === opened.ino && named.dev === opened.dev;
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Removes the file while its lock is held, so nobody can have begun to rely on it. */
export function removeLocked({ file, fd }: LockedFile): void {
  fs.rmSync(file, { force: true });
  fs.closeSync(fd);
}
