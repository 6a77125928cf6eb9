import type { Random } from "./random.ts";

/** As Node's file errors: `code` is what the caller looks at. */
export class DiskError extends Error {
  override readonly name = "DiskError";
  readonly code: string;
  constructor(code: string, what: string) {
    super(`${code}: ${what}`);
    this.code = code;
  }
}

interface FileNode {
  readonly kind: "file";
  bytes: Buffer;
  /** What the newest fsync has made safe. */
  durable: Buffer;
  /** Bytes that `bytes` is the beginning of, with room for what is appended. */
  room?: Buffer | undefined;
}

interface FolderNode {
  readonly kind: "folder";
  readonly entries: Map<string, Node>;
  /** The names as of the newest fsync of the folder. */
  durable: Map<string, Node>;
}

type Node = FileNode | FolderNode;

/**
 * One host's file system, at once and in memory: its semantics, not its speed.
 *
 * Invariants:
 * 1. What a process has written is there for every later reader, until the power goes.
 * 2. After a power cut a file has what its newest `sync` had, and perhaps a part of what was written since (in the
 *    order of writing, the last piece torn; now and then blocks of zeros in place of some of it).
 * 3. After a power cut a folder has the names of its newest `syncFolder`; each later change may have come through or not.
 */
export interface Disk {
  full: boolean;
  exists(path: string): boolean;
  read(path: string): Buffer;
  list(path: string): string[];
  makeFolder(path: string): void;
  /** Creates the file where there is none. @throws DiskError ENOSPC while the disk is full. */
  write(path: string, position: number, bytes: Uint8Array): void;
  truncate(path: string, bytes: number): void;
  sync(path: string): void;
  syncFolder(path: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  powerCut(random: Random): void;
  /** Changes one bit of one byte. */
  flip(path: string, random: Random): void;
}

export function createDisk(): Disk {
  const folder = (): FolderNode => ({ kind: "folder", entries: new Map(), durable: new Map() });
  let root = folder();
  let full = false;

  const parentOf = (path: string): { folder: FolderNode; name: string } => {
    const parts = path.split("/");
    const name = parts.pop() ?? "";
    let at = root;
    for (const part of parts) {
      const next = at.entries.get(part);
      if (next?.kind !== "folder") throw new DiskError("ENOENT", path);
      at = next;
    }
    return { folder: at, name };
  };
  const find = (path: string): Node | undefined => {
    if (path === "") return root;
    try {
      const { folder: at, name } = parentOf(path);
      return at.entries.get(name);
    } catch {
      return undefined;
    }
  };
  const fileAt = (path: string): FileNode => {
    const node = find(path);
    if (node?.kind !== "file") throw new DiskError("ENOENT", path);
    return node;
  };
  const folderAt = (path: string): FolderNode => {
    const node = find(path);
    if (node?.kind !== "folder") throw new DiskError("ENOENT", path);
    return node;
  };

  return {
    get full() {
      return full;
    },
    set full(value) {
      full = value;
    },
    exists: (path) => find(path) !== undefined,
    read: (path) => fileAt(path).bytes,
    list: (path) => [...folderAt(path).entries.keys()],
    makeFolder(path) {
      const { folder: at, name } = parentOf(path);
      if (!at.entries.has(name)) at.entries.set(name, folder());
    },
    write(path, position, bytes) {
      if (full) throw new DiskError("ENOSPC", path);
      const { folder: at, name } = parentOf(path);
      let node = at.entries.get(name);
      if (!node) {
        node = { kind: "file", bytes: Buffer.alloc(0), durable: Buffer.alloc(0) };
        at.entries.set(name, node);
      }
      if (node.kind !== "file") throw new DiskError("EISDIR", path);
      node.bytes = written(node, position, bytes);
    },
    truncate(path, bytes) {
      const file = fileAt(path);
      file.bytes = Buffer.from(file.bytes.subarray(0, bytes));
      file.room = undefined;
    },
    sync(path) {
      const file = fileAt(path);
      file.durable = file.bytes;
    },
    syncFolder(path) {
      const at = folderAt(path);
      at.durable = new Map(at.entries);
    },
    rename(from, to) {
      const source = parentOf(from);
      const target = parentOf(to);
      const node = source.folder.entries.get(source.name);
      if (!node) throw new DiskError("ENOENT", from);
      const there = target.folder.entries.get(target.name);
      if (there?.kind === "folder" && there.entries.size > 0) throw new DiskError("ENOTEMPTY", to);
      source.folder.entries.delete(source.name);
      target.folder.entries.set(target.name, node);
    },
    remove(path) {
      const { folder: at, name } = parentOf(path);
      at.entries.delete(name);
    },
    powerCut(random) {
      root = afterPowerCut(root, random) as FolderNode;
    },
    flip(path, random) {
      const file = fileAt(path);
      if (file.bytes.length === 0) return;
      const flipped = Buffer.from(file.bytes);
      const at = random.int(flipped.length);
      flipped[at] = (flipped[at] as number) ^ (1 << random.int(8));
      file.bytes = flipped;
      file.durable = flipped;
      file.room = undefined;
    },
  };
}

/** A file that grows is not copied for each line; what was synced is never written to. */
function written(node: FileNode, position: number, bytes: Uint8Array): Buffer {
  const { length } = node.bytes;
  const end = Math.max(length, position + bytes.length);
  if (position < length || !node.room || node.room.length < end) {
    node.room = Buffer.alloc(position === 0 && length === 0 ? end : 2 * end);
    node.bytes.copy(node.room);
  }
  node.room.set(bytes, position);
  return node.room.subarray(0, end);
}

/** Invariants 2 and 3. */
function afterPowerCut(node: Node, random: Random): Node {
  if (node.kind === "file") {
    const bytes = survivingBytes(node, random);
    return { kind: "file", bytes, durable: bytes };
  }
  const names = new Map(node.durable);
  for (const [name, child] of node.entries)
    if (names.get(name) !== child && random.chance(0.5)) names.set(name, child);
  for (const name of node.durable.keys())
    if (!node.entries.has(name) && random.chance(0.5)) names.delete(name);
  // One child under two names: a rename of which both halves came through in part shows as one of them.
  const entries = new Map([...names].map(([name, child]) => [name, afterPowerCut(child, random)]));
  return { kind: "folder", entries, durable: new Map(entries) };
}

function survivingBytes({ bytes, durable }: FileNode, random: Random): Buffer {
  if (bytes === durable || random.chance(0.3)) return durable;
  const common = Math.min(bytes.length, durable.length);
  let same = 0;
  while (same < common && bytes[same] === durable[same]) same++;
  const kept = same + random.int(bytes.length - same + 1);
  const survived = Buffer.concat([bytes.subarray(0, kept), durable.subarray(kept)]);
  // The length came through before the data did.
  if (random.chance(0.15))
    survived.fill(0, Math.min(survived.length, same + random.int(kept - same + 1)), kept);
  return survived;
}
