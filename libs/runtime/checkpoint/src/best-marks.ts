import fs from "node:fs";
import path from "node:path";
import type { BestVersion } from "@latentweave/protocol";
import { listCheckpoints } from "./checkpoint-directory.ts";
import { writeTextAtomically } from "./durable-file.ts";

/**
 * Which of a run's checkpoints is the best by held-out loss, in `checkpoints/best.json`: versions that were the best when
 * they were marked, newest first. The newest mark may be of a checkpoint that is still being written, or was lost on the
 * way; then the one before it counts, and stays.
 */
const fileName = "best.json";
const mostMarks = 16;

export interface BestMarks {
  readonly best: BestVersion | undefined;
  mark(best: BestVersion): void;
  /** What was marked beyond this version was computed wrong. */
  takeBack(version: number): void;
  /** Versions that must not be removed, of those that are there. */
  pinned(there: ReadonlySet<number>): ReadonlySet<number>;
  /** Resolves once every mark is on the disk. */
  written(): Promise<void>;
}

export function openBestMarks(checkpoints: string): BestMarks {
  let marks = readMarks(checkpoints);
  let chain: Promise<void> = Promise.resolve();
  const write = (): void => {
    const text = `${JSON.stringify(marks)}\n`;
    const next = (): Promise<void> => writeTextAtomically(path.join(checkpoints, fileName), text);
    chain = chain.then(next, next);
    chain.catch(() => undefined); // told to whoever closes the run; the next mark tries again
  };
  return {
    get best() {
      return marks[0];
    },
    mark(best) {
      marks = [best, ...marks].slice(0, mostMarks);
      write();
    },
    takeBack(version) {
      const left = marks.filter((one) => one.version <= version);
      if (left.length === marks.length) return;
      marks = left;
      write();
    },
    pinned(there) {
      const first = marks.findIndex(({ version }) => there.has(version));
      return new Set((first < 0 ? marks : marks.slice(0, first + 1)).map(({ version }) => version));
    },
    written: () => chain,
  };
}

/** The newest mark whose checkpoint is there; undefined where a run keeps none. */
export async function bestVersion(runDirectory: string): Promise<BestVersion | undefined> {
  const checkpoints = path.join(runDirectory, "checkpoints");
  const there = new Set((await listCheckpoints(checkpoints)).map(({ version }) => version));
  return readMarks(checkpoints).find(({ version }) => there.has(version));
}

/** A file that is damaged marks nothing: the checkpoints tell no less without it. */
function readMarks(checkpoints: string): readonly BestVersion[] {
  try {
    const value: unknown = JSON.parse(fs.readFileSync(path.join(checkpoints, fileName), "utf8"));
    return Array.isArray(value) ? value.filter(isMark) : [];
  } catch {
    return [];
  }
}

function isMark(value: unknown): value is BestVersion {
  const { version, loss } = (value ?? {}) as Partial<BestVersion>;
  return Number.isSafeInteger(version) && typeof loss === "number";
}
