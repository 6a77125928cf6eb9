import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, open, rm } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Room for the checkpoints of the examples, and little enough to fill in an instant. */
const diskBytes = 512 * 2 ** 20;
const fillerName = ".filler";
const pieceBytes = 2 ** 20;

/** A disk of the run's own, which can be filled and closed without harm to anybody else. */
export interface DrillDisk {
  /** Leaves not a byte free. @returns gives the room back */
  fill(): Promise<() => Promise<void>>;
  /** Files that are opened from now on cannot be written. @returns ends it */
  close(): Promise<() => Promise<void>>;
  /** Moves what the run left to where the disk was, and takes the disk away. */
  remove(): Promise<void>;
}

/** Mounting needs root, on Linux. */
export function canMount(): boolean {
  return process.platform === "linux" && process.getuid?.() === 0;
}

/** A disk in memory at `directory`, which is to be the run's folder. */
export async function mountDisk(directory: string): Promise<DrillDisk> {
  await mkdir(directory, { recursive: true });
  await run("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", directory]);
  let opened = true;
  const reopen = async (): Promise<void> => {
    if (opened) return;
    opened = true;
    await run("umount", [directory]);
  };
  return {
    async fill() {
      const file = path.join(directory, fillerName);
      await writeUntilFull(file);
      return () => rm(file, { force: true });
    },
    async close() {
      // The same folder once more, over itself and read-only: the disk itself cannot be closed while files are open.
      await run("mount", ["--bind", directory, directory]);
      opened = false;
      await run("mount", ["-o", "remount,bind,ro", directory]);
      return reopen;
    },
    async remove() {
      await reopen();
      const copy = await mkdtemp(path.join(path.dirname(directory), ".drill-"));
      await cp(directory, copy, { recursive: true });
      await run("umount", [directory]);
      await cp(copy, directory, { recursive: true });
      await rm(copy, { recursive: true, force: true });
    },
  };
}

async function writeUntilFull(file: string): Promise<void> {
  const handle = await open(file, "w");
  try {
    let size = pieceBytes;
    // Ever smaller pieces, to the last byte.
    while (size > 0) {
      try {
        await handle.write(Buffer.alloc(size, 1));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        size = Math.floor(size / 16);
      }
    }
  } finally {
    await handle.close();
  }
}
