import type { Label, LabelledClock } from "../virtual-clock.ts";
import type { Random } from "../world/random.ts";
import { type Disk, DiskError } from "../world/disk.ts";

/** A disk as one process uses it: every operation takes its time, and none ends after the process has. */
export interface SlowDisk {
  readonly disk: Disk;
  /** Carries out `operation` in its turn. Rejects with what it throws. */
  run<Result>(operation: (disk: Disk) => Result): Promise<Result>;
  /** The same, again and again while the disk is full: as the real store's lines and state. */
  runPatiently<Result>(operation: (disk: Disk) => Result): Promise<Result>;
}

const diskLabel = (): Label => ({ kind: "disk", processes: ["coordinator"], way: "disk" });

/** Between two attempts. */
const againMs = 250;

export function createSlowDisk(options: {
  readonly disk: Disk;
  /** The process's own: a dead process gets no answers. */
  readonly clock: LabelledClock;
  readonly random: Random;
  /** Added to every operation. */
  readonly extraMs: () => number;
}): SlowDisk {
  const { disk, clock, random } = options;
  const run: SlowDisk["run"] = (operation) =>
    new Promise((resolve, reject) => {
      const carryOut = (): void => {
        try {
          resolve(operation(disk));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      clock.after(random.spread(0.02, 1) + options.extraMs(), carryOut, diskLabel);
    });
  return {
    disk,
    run,
    async runPatiently(operation) {
      for (;;) {
        try {
          return await run(operation);
        } catch (error) {
          if (!(error instanceof DiskError) || error.code !== "ENOSPC") throw error;
        }
        await new Promise<void>((resolve) => void clock.after(againMs, resolve));
      }
    },
  };
}
