import { createHash } from "node:crypto";
import type { Disk } from "../world/disk.ts";
import type { SlowDisk } from "./slow-disk.ts";

/** Lines that go to the disk in order, gathered while the one before is being written: as the real store's. */
export interface LineFile {
  append(text: string): void;
  /** Everything appended so far is safe when this resolves. Rejects with the first failure of a write. */
  sync(): Promise<void>;
  /** Everything appended so far outlives the process. Rejects with the first failure of a write. */
  written(): Promise<void>;
}

/**
 * A chained, append-only file. Opening cuts off what is torn or damaged at its end.
 *
 * Invariant: lines wait for a disk that is full. The first other failure is kept; the file is cut back to its last whole
 * line and every later call throws it.
 */
export function openLineFile(slow: SlowDisk, path: string): LineFile {
  const { disk } = slow;
  if (!disk.exists(path)) disk.write(path, 0, Buffer.alloc(0));
  const bytes = disk.read(path);
  const whole = bytes.lastIndexOf(0x0a) + 1;
  if (whole < bytes.length) disk.truncate(path, whole);
  const lines = readChain(disk, path);
  let previous = lines.at(-1)?.hash ?? firstHash;
  let end = lines.at(-1)?.end ?? 0;
  // Beyond the last line that continues the chain nothing can be told apart from damage.
  if (end < disk.read(path).length) disk.truncate(path, end);
  let pending: string[] = [];
  let writing: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;

  const check = (): void => {
    if (failure) throw failure.error;
  };
  const drain = async (): Promise<void> => {
    while (pending.length > 0 && !failure) {
      const batch = Buffer.from(pending.join(""));
      pending = [];
      const at = end;
      end += batch.length;
      try {
        await slow.runPatiently(() => disk.write(path, at, batch));
      } catch (error) {
        failure = { error };
        end = at;
      }
    }
    writing = undefined;
  };
  const settle = async (): Promise<void> => {
    while (writing) await writing;
    check();
  };

  return {
    append(text) {
      check();
      const hash = chained(previous, text);
      previous = hash;
      pending.push(`${hash} ${text}\n`);
      writing ??= drain();
    },
    async sync() {
      await settle();
      await slow.run(() => disk.sync(path));
    },
    written: settle,
  };
}

export interface ChainedLine {
  readonly text: string;
  readonly hash: string;
  /** Position after it. */
  readonly end: number;
}

const firstHash = "0".repeat(16);

/** The lines that continue each other from the first on; whatever follows the first that does not is left out. */
export function readChain(disk: Disk, path: string): ChainedLine[] {
  if (!disk.exists(path)) return [];
  const lines: ChainedLine[] = [];
  let previous = firstHash;
  let end = 0;
  for (const line of disk.read(path).toString("utf8").split("\n").slice(0, -1)) {
    const hash = line.slice(0, 16);
    const text = line.slice(17);
    if (chained(previous, text) !== hash) break;
    end += Buffer.byteLength(line) + 1;
    previous = hash;
    lines.push({ text, hash, end });
  }
  return lines;
}

function chained(previous: string, text: string): string {
  return createHash("sha256").update(previous).update(text).digest("hex").slice(0, 16);
}
