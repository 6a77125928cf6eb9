import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import path from "node:path";

/** Beside the run: what processes of the run and the controller share about faults. */
export function faultFolder(directory: string) {
  const claims = path.join(directory, "claims");
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
