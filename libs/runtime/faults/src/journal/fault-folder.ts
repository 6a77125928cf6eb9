import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";

/** A disk that takes no more, or nothing at all. */
export type DiskState = "full" | "read-only";

/** Beside the run: what processes of the run and the controller share about faults. */
export function faultFolder(directory: string) {
  const claims = path.join(directory, "claims");
  const disk = path.join(directory, "disk");
  return {
    directory,
    journal: path.join(directory, "journal.jsonl"),
    computed: (worker: string): string => path.join(directory, `computed-${worker}.jsonl`),
    make(): void {
      mkdirSync(claims, { recursive: true });
    },
    /**
     * A fault strikes once, however often its process is started again, and one process where several might.
     * @returns whether `process` may strike: it claims the fault now
     */
    claim(fault: number, process: string): boolean {
      try {
        const file = openSync(path.join(claims, String(fault)), "wx");
        writeSync(file, process);
        closeSync(file);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
        throw error;
      }
    },
    /** What processes take the run's disk for; undefined: as it is. */
    disk(): DiskState | undefined {
      try {
        return readFileSync(disk, "utf8") as DiskState;
      } catch {
        return undefined;
      }
    },
    setDisk(state: DiskState | undefined): void {
      if (state === undefined) rmSync(disk, { force: true });
      else writeFileSync(disk, state);
    },
    /** Who claimed it. */
    claimant(fault: number): string | undefined {
      try {
        return readFileSync(path.join(claims, String(fault)), "utf8");
      } catch {
        return undefined;
      }
    },
  };
}

export type FaultFolder = ReturnType<typeof faultFolder>;
