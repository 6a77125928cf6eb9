import fs from "node:fs";
import path from "node:path";
import { type Adoption, memoryLines, type Vault } from "@latentweave/protocol";
import { type LockedFile, lockFile, removeLocked } from "./locked-file.ts";
import { loadPageMap, type PageMapAddon, systemError } from "./page-map.ts";
import { sweep, vaultFile } from "./sweep.ts";
import { vaultDirectories } from "./vault-directories.ts";
import { decodeHeader, encodeHeader, headerBytes } from "./vault-header.ts";

export interface VaultOptions {
  /** Where the file may lie, best first; see `vaultDirectories`. */
  readonly directories: readonly string[];
  /** Of the file. Two processes that live at the same time need two names. */
  readonly name: string;
  /** Whose bytes these are: another identity under the same name finds nothing. */
  readonly identity: string;
  readonly log: (line: string) => void;
}

/** A vault in a file that memory is mapped onto. */
export interface FileVault extends Vault {
  /** The file, once a range was adopted and is kept. */
  readonly file: string | undefined;
  /** Whether this range still lies over the file; false when the engine has moved the memory, which it never did. */
  holds(range: Uint8Array): boolean;
}

/** A predecessor that was killed has gone before anybody hears of it; this is for one that is stopping. */
const waitForHolderMs = 3_000;
const touchMs = 10_000;
/** A killed run that is to go on is started again sooner than this. */
const idleMs = 10 * 60_000;
/** Where room is short. */
const idleWhenFullMs = 60_000;

/** Opens nothing yet: `adopt` does, and says in `log` what it did where a person should know. */
export function openVault(options: VaultOptions): FileVault {
  const { log, name, identity } = options;
  let held: LockedFile | undefined;
  let place: bigint | undefined;
  let addon: PageMapAddon | undefined;
  let touching: NodeJS.Timeout | undefined;

  const nothing = (reason: string): Adoption => {
    log(`${memoryLines.nowhere}, so losing it costs the steps since the last checkpoint: ${reason}`);
    return "none";
  };

  const take = (file: LockedFile, range: Uint8Array, pages: PageMapAddon): void => {
    pages.map(range, file.fd, headerBytes);
    fs.writeSync(file.fd, encodeHeader(identity, range.byteLength, process.pid), null, null, 0);
    held = file;
    addon = pages;
    place = pages.address(range);
    const touch = (): void => fs.futimesSync(file.fd, new Date(), new Date());
    touch();
    touching = setInterval(touch, touchMs).unref();
  };

  return {
    get file() {
      return held?.file;
    },
    get sharedName() {
      const [memory] = vaultDirectories();
      return held && path.dirname(held.file) === memory ? path.basename(held.file) : undefined;
    },
    rangeAt: headerBytes,
    adopt(range) {
      const pages = loadPageMap();
      if (typeof pages === "string") return nothing(pages);
      const reasons: string[] = [];
      const reusable = new Map<string, LockedFile>();
      const closeRest = (): void => {
        for (const file of reusable.values()) if (file !== held) removeLocked(file);
      };
      for (const directory of options.directories) {
        const found = lockFile(pages, vaultFile(directory, name), false, waitForHolderMs);
        if (found.kind === "held") {
          closeRest();
          return nothing(`another process holds ${vaultFile(directory, name)}`);
        }
        if (found.kind !== "locked") continue;
        reusable.set(directory, found);
        const contents = contentsOf(found, identity, range.byteLength);
        if (contents !== "same") {
          if (contents !== "empty") log(`${found.file} holds ${contents}; it is replaced`);
          continue;
        }
        try {
          take(found, range, pages);
          closeRest();
          return "kept";
        } catch (error) {
          log(`${found.file} cannot be mapped (${systemError(error)}); it is replaced`);
        }
      }
      for (const directory of options.directories) {
        const found = createFile(pages, directory, name, range.byteLength, reusable.get(directory));
        if ("failed" in found) {
          reusable.delete(directory);
          reasons.push(`${directory}: ${found.failed}`);
          continue;
        }
        reusable.set(directory, found);
        try {
          take(found, range, pages);
        } catch (error) {
          reasons.push(`${directory}: ${systemError(error)}`);
          continue;
        }
        if (reasons.length > 0) log(`${memoryLines.elsewhere} ${found.file} (${reasons.join("; ")})`);
        closeRest();
        return "fresh";
      }
      closeRest();
      return nothing(reasons.join("; "));
    },
    discard() {
      if (!held) return;
      clearInterval(touching);
      removeLocked(held);
      held = undefined;
    },
    holds: (range) => held !== undefined && addon?.address(range) === place,
  };
}

function contentsOf(
  file: LockedFile,
  identity: string,
  rangeBytes: number,
): "same" | "empty" | "what another run left" | "a damaged header" {
  const bytes = Buffer.alloc(headerBytes);
  const read = fs.readSync(file.fd, bytes, 0, headerBytes, 0);
  const found = decodeHeader(bytes.subarray(0, read));
  if (found.kind === "empty") return "empty";
  if (found.kind === "damaged" || fs.fstatSync(file.fd).size < headerBytes + found.rangeBytes)
    return "a damaged header";
  return found.identity === identity && found.rangeBytes === rangeBytes ? "same" : "what another run left";
}

/** An empty file with all the room that it will need, so that no write into the mapping can fail. */
function createFile(
  addon: PageMapAddon,
  directory: string,
  name: string,
  rangeBytes: number,
  own: LockedFile | undefined,
): LockedFile | { readonly failed: string } {
  let file = own;
  if (!file) {
    const locked = lockFile(addon, vaultFile(directory, name), true, waitForHolderMs);
    if (locked.kind !== "locked")
      return { failed: locked.kind === "failed" ? locked.reason : "another process took its file" };
    file = locked;
  }
  const neededBytes = headerBytes + rangeBytes;
  try {
    fs.ftruncateSync(file.fd, 0);
    sweep(addon, directory, { own: file.file, idleMs });
    if (freeBytes(directory) < neededBytes)
      sweep(addon, directory, { own: file.file, idleMs: idleWhenFullMs });
    const room = freeBytes(directory);
    if (room < neededBytes) {
      removeLocked(file);
      return { failed: `${neededBytes} bytes are needed, ${room} are free` };
    }
    addon.reserve(file.fd, 0, neededBytes);
    return file;
  } catch (error) {
    removeLocked(file);
    return { failed: systemError(error) };
  }
}

function freeBytes(directory: string): number {
  const { bavail, bsize } = fs.statfsSync(directory);
  return bavail * bsize;
}
