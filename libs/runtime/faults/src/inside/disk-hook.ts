import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import path from "node:path";
import type { FaultFolder } from "../journal/fault-folder.ts";

/*
 * A disk that is full or closed, where nothing can be mounted: this process' own file layer refuses what such a disk
 * would refuse, for files below one folder. Other processes and other folders are left alone.
 */

type Refusal = { readonly code: "ENOSPC" | "EROFS"; readonly text: string };
type Anything = (...args: unknown[]) => unknown;

const refusals = {
  full: { code: "ENOSPC", text: "no space left on device" },
  "read-only": { code: "EROFS", text: "read-only file system" },
} as const satisfies Record<string, Refusal>;

const refuse = (call: string, { code, text }: Refusal): Error =>
  Object.assign(new Error(`${code}: ${text}, ${call}`), { code, syscall: call });

const refusalNow = (folder: FaultFolder): Refusal | undefined => {
  const state = folder.disk();
  return state === undefined ? undefined : refusals[state];
};

/** Whoever writes files below that folder by other means than this thread's file layer, as a thread of its own has them. */
export interface DiskWriter {
  write(file: number, bytes: Uint8Array, position: number): Promise<void>;
}

/** The same writer, refused what this process is refused. */
export function hookWriter<Writer extends DiskWriter>(folder: FaultFolder, writer: Writer): Writer {
  const write: DiskWriter["write"] = async (...args) => {
    const refusal = refusalNow(folder);
    if (refusal) throw refuse("write", refusal);
    await writer.write(...args);
  };
  return { ...writer, write };
}

/** @param below absolute: the folder that lies on the disk */
export function hookDisk(folder: FaultFolder, below: string): void {
  const files = new Set<number>();
  const isBelow = (file: unknown): boolean =>
    typeof file === "string" && !path.relative(below, path.resolve(file)).startsWith("..");
  const now = (): Refusal | undefined => refusalNow(folder);
  /** Opening for reading is always allowed; making names is refused by a closed disk only. */
  const refusalOfOpen = (flags: unknown): Refusal | undefined => {
    const refusal = now();
    const writes = typeof flags === "string" && /[wa+]/.test(flags);
    return refusal?.code === "EROFS" && writes ? refusal : undefined;
  };

  const calls = fs as unknown as Record<string, Anything>;
  const promises = fs.promises as unknown as Record<string, Anything>;
  const replace = (on: Record<string, Anything>, name: string, by: (before: Anything) => Anything): void => {
    on[name] = by((on[name] as Anything).bind(on));
  };

  replace(calls, "openSync", (before) => (file, flags, mode) => {
    const refusal = isBelow(file) ? refusalOfOpen(flags) : undefined;
    if (refusal) throw refuse("open", refusal);
    const opened = before(file, flags, mode) as number;
    if (isBelow(file)) files.add(opened);
    else files.delete(opened);
    return opened;
  });
  replace(calls, "writeSync", (before) => (file, ...rest) => {
    const refusal = files.has(file as number) ? now() : undefined;
    if (refusal) throw refuse("write", refusal);
    return before(file, ...rest);
  });
  // Streams open and write through these two.
  replace(calls, "open", (before) => (file, ...rest) => {
    const done = rest.at(-1) as (error: unknown, opened?: number) => void;
    const refusal = isBelow(file) ? refusalOfOpen(rest[0]) : undefined;
    if (refusal) return process.nextTick(() => done(refuse("open", refusal)));
    return before(file, ...rest.slice(0, -1), (error: unknown, opened?: number) => {
      if (opened !== undefined && isBelow(file)) files.add(opened);
      else if (opened !== undefined) files.delete(opened);
      done(error, opened);
    });
  });
  for (const name of ["write", "writev"])
    replace(calls, name, (before) => (file, ...rest) => {
      const refusal = files.has(file as number) ? now() : undefined;
      if (!refusal) return before(file, ...rest);
      return process.nextTick(() => (rest.at(-1) as Anything)(refuse("write", refusal)));
    });
  replace(promises, "open", (before) => async (file, flags, mode) => {
    const refusal = isBelow(file) ? refusalOfOpen(flags) : undefined;
    if (refusal) throw refuse("open", refusal);
    const handle = (await before(file, flags, mode)) as Record<string, Anything>;
    if (!isBelow(file)) return handle;
    for (const name of ["write", "writev", "writeFile", "appendFile"])
      replace(handle, name, (write) => async (...args) => {
        const full = now();
        if (full) throw refuse("write", full);
        return await write(...args);
      });
    return handle;
  });
  for (const name of ["mkdir", "rename", "rm", "unlink", "truncate"])
    replace(promises, name, (before) => async (file, ...rest) => {
      const refusal = isBelow(file) ? now() : undefined;
      if (refusal?.code === "EROFS") throw refuse(name, refusal);
      return await before(file, ...rest);
    });
  syncBuiltinESMExports();
}
