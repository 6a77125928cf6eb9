import { randomUUID } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { memoryLines, type SharedMemory, type SharedRange } from "@latentweave/protocol";
import { lockFile, type LockedFile, removeLocked } from "./locked-file.ts";
import { openOwnFile } from "./own-file.ts";
import { loadAddon, type PageMapAddon, systemError } from "./page-map.ts";
import { vaultDirectories } from "./vault-directories.ts";
import { vaultFile } from "./sweep.ts";

/** Set to "off", everything between processes goes through sockets: to compare, or where memory makes trouble. */
export const switchName = "LATENTWEAVE_SHARED_MEMORY";
/** Also of the files' names, so that what a killed process has left is swept with vaults that nobody holds. */
const kind = "channel-";
/** A range is one connection's; 4 GiB hold what one sends of the largest model. */
const mostBytes = 2 ** 32;
/** Left for others: a file system of memory that is full stops everybody. */
const leastFreeShare = 0.1;

/** Memory that processes of this host can share; undefined, with one line in `log`, where there is none. */
export function openSharedMemory(log: (line: string) => void): SharedMemory | undefined {
  const memory = createSharedMemory(process.env);
  if (typeof memory !== "string") return memory;
  log(`tensors go through sockets, ${memoryLines.sockets}: ${memory}`);
  return undefined;
}

/** Ranges as files in memory (/dev/shm), or why this machine has none. */
export function createSharedMemory(env: NodeJS.ProcessEnv): SharedMemory | string {
  if (env[switchName] === "off") return `it is switched off (${switchName}=off)`;
  const addon = loadAddon(env);
  if (typeof addon === "string") return addon;
  const [directory] = vaultDirectories();
  if (directory === undefined) return "no folder for it";
  return {
    create: (bytes) => create(addon, directory, bytes),
    open: (name) => open(addon, directory, name),
  };
}

function create(addon: PageMapAddon, directory: string, bytes: number): SharedRange | string {
  const { bavail, bsize, blocks } = fs.statfsSync(directory);
  const free = bavail * bsize - bytes;
  if (bytes > mostBytes || free < leastFreeShare * blocks * bsize)
    return `${bytes} bytes are needed, ${bavail * bsize} are free in ${directory}`;
  const file = vaultFile(directory, kind + randomUUID());
  // Locked while it has its name: a sweep removes what a killed process has left.
  const locked = lockFile(addon, file, true, 0);
  if (locked.kind !== "locked") return `${file} could not be made`;
  try {
    addon.reserve(locked.fd, 0, bytes);
    const buffer = addon.open(locked.fd, bytes);
    return range(addon, path.basename(file), buffer, locked);
  } catch (error) {
    removeLocked(locked);
    return `${file}: ${systemError(error)}`;
  }
}

function open(addon: PageMapAddon, directory: string, name: string): SharedRange | string {
  const beginning = path.basename(vaultFile(directory, kind));
  // The name is another process's word: nothing but such a file may be opened by it.
  if (!name.startsWith(beginning) || !/^[\w-]+$/.test(name)) return "not the name of a range";
  try {
    const opened = openOwnFile(path.join(directory, name));
    if (typeof opened === "string") return opened;
    const { fd, bytes } = opened;
    try {
      if (bytes === 0 || bytes > mostBytes) return `a range of ${bytes} bytes`;
      return range(addon, name, addon.open(fd, bytes), undefined);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    return systemError(error);
  }
}

function range(
  addon: PageMapAddon,
  name: string,
  buffer: ArrayBuffer,
  named: LockedFile | undefined,
): SharedRange {
  let file = named;
  const forgetName = (): void => {
    if (file) removeLocked(file);
    file = undefined;
  };
  return {
    name,
    buffer,
    forgetName,
    close() {
      forgetName();
      if (buffer.byteLength > 0) addon.close(buffer);
    },
  };
}
