import { execFile } from "node:child_process";
import { cp, type FileHandle, mkdir, mkdtemp, open, rm, statfs } from "node:fs/promises";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import type { DiskState, FaultFolder } from "@latentweave/faults";

const run = promisify(execFile);

/** Room for the checkpoints of the examples, and little enough to fill in an instant. */
const diskBytes = 512 * 2 ** 20;
const fillerName = ".filler";
const pieceBytes = 2 ** 20;
const shrink = 16;
const refillMs = 20;

/** A disk of the run's own, which can be filled and closed without harm to anybody else. */
export interface DrillDisk {
  /** How, for the certificate. */
  readonly means: string;
  /** Whether the coordinator has to pretend. */
  readonly isPretended: boolean;
  /** Leaves not a byte free. @returns gives the room back */
  fill(): Promise<() => Promise<void>>;
  /** Files that are opened from now on cannot be written. @returns ends it */
  close(): Promise<() => Promise<void>>;
  /** Moves what the run left to where the disk was, and takes the disk away. */
  remove(): Promise<void>;
}

/** The run's folder on a disk of its own; where nothing can be mounted, the coordinator is made to believe so. */
export async function openDisk(directory: string, folder: FaultFolder): Promise<DrillDisk> {
  // Mounting needs root, on Linux; a container may be root and mount nothing all the same.
  if (process.platform !== "linux" || process.getuid?.() !== 0) return pretendedDisk(folder);
  try {
    return await mountDisk(directory);
  } catch {
    await rm(directory, { recursive: true, force: true });
    return pretendedDisk(folder);
  }
}

function pretendedDisk(folder: FaultFolder): DrillDisk {
  const open = (): Promise<void> => Promise.resolve(folder.setDisk(undefined));
  const pretend = (state: DiskState) => (): Promise<() => Promise<void>> => {
    folder.setDisk(state);
    return Promise.resolve(open);
  };
  return {
    means: "writes refused by the coordinator's own file layer: nothing could be mounted here",
    isPretended: true,
    fill: pretend("full"),
    close: pretend("read-only"),
    remove: open,
  };
}

/** A disk in memory at `directory`, which is to be the run's folder. */
async function mountDisk(directory: string): Promise<DrillDisk> {
  await mkdir(directory, { recursive: true });
  await run("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", directory]);
  const closed = await mountReadOnly(directory).catch(async (error: unknown) => {
    await run("umount", ["--lazy", directory]);
    throw error;
  });
  const filler = path.join(directory, fillerName);
  let opened = true;
  let isFull = false;
  /** The disk itself, and a layer for each time that it was closed. */
  let layers = 1;
  // A disk that is closed keeps what fills it until it is opened again.
  const settle = async (): Promise<void> => {
    if (opened && !isFull) await rm(filler, { force: true });
  };
  const reopen = async (): Promise<void> => {
    // It stays where it is: somebody may have opened a file through it to read.
    if (!opened) await run("mount", ["-o", "remount,bind,rw", directory]);
    opened = true;
    await settle();
  };
  const takesRoom = (): boolean => isFull && opened;
  /** Whoever removes what is old makes room on a full disk, and somebody else takes it. */
  const refill = async (): Promise<void> => {
    while (isFull) {
      await setTimeout(refillMs);
      if (!takesRoom()) continue;
      await writeUntilFull(filler).catch((error: unknown) => {
        // It was closed meanwhile, and has no room for anybody.
        if ((error as NodeJS.ErrnoException).code !== "EROFS") throw error;
      });
    }
  };
  return {
    means: `a disk of ${diskBytes / 2 ** 20} MiB in memory (tmpfs), mounted as the run's folder`,
    isPretended: false,
    async fill() {
      isFull = true;
      if (opened) {
        await reserve(filler);
        await writeUntilFull(filler);
      }
      const refilled = refill();
      refilled.catch(() => undefined); // told to whoever gives the room back
      return async () => {
        isFull = false;
        await refilled;
        await settle();
      };
    },
    async close() {
      if (!opened) return reopen;
      await run("mount", ["--bind", closed, directory]);
      layers += 1;
      opened = false;
      return reopen;
    },
    async remove() {
      isFull = false;
      await reopen();
      const copy = await mkdtemp(path.join(path.dirname(directory), ".drill-"));
      await cp(directory, copy, { recursive: true });
      // At once, whoever still looks into it.
      for (; layers > 0; layers--) await run("umount", ["--lazy", directory]);
      await run("umount", ["--lazy", closed]);
      await rm(closed, { recursive: true });
      await cp(copy, directory, { recursive: true });
      await rm(copy, { recursive: true, force: true });
    },
  };
}

/**
 * The folder once more, elsewhere and read-only, to be laid over itself when it is to be closed. The disk itself, and
 * any view of it that somebody uses, cannot be closed while a file is open to be written.
 */
async function mountReadOnly(directory: string): Promise<string> {
  const view = await mkdtemp(path.join(path.dirname(directory), ".read-only-"));
  try {
    await run("mount", ["--bind", directory, view]);
    await run("mount", ["-o", "remount,bind,ro", view]);
  } catch (error) {
    await run("umount", ["--lazy", view]).catch(() => undefined);
    await rm(view, { recursive: true });
    throw error;
  }
  return view;
}

/** What is still free when the system has reserved most of it: the run may write meanwhile. */
const spareBytes = 2 ** 20;

/** Quick, for a run takes a hundred steps in the time that half a gigabyte is written in. */
async function reserve(file: string): Promise<void> {
  const { bavail, bsize } = await statfs(path.dirname(file));
  const bytes = bavail * bsize - spareBytes;
  if (bytes <= 0) return;
  // Where it cannot, or the run was quicker, everything is written.
  await run("fallocate", ["-l", String(bytes), file]).catch(() => undefined);
}

async function writeUntilFull(file: string): Promise<void> {
  const handle = await open(file, "a");
  try {
    // Ever smaller pieces, to the last byte. Room that is made meanwhile is not waited for with small ones.
    let most = Infinity;
    for (let size = pieceBytes; size > 0; size = Math.floor(size / shrink)) {
      for (let written = 0; written < most && (await wasWritten(handle, size)); written++);
      most = shrink;
    }
  } finally {
    await handle.close();
  }
}

async function wasWritten(handle: FileHandle, bytes: number): Promise<boolean> {
  try {
    await handle.write(Buffer.alloc(bytes, 1));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    return false;
  }
}
