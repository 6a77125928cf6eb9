import path from "node:path";
import { readTable, writeTextAtomically } from "@latentweave/checkpoint";

/** Where a run's job came from: what relative paths in job.json start from. */
export interface Origin {
  /** Absolute. */
  readonly jobDirectory: string;
  /** As it was given; null for a job from code. */
  readonly jobFile: string | null;
}

const originFile = "origin.json";

/** Leaves beside job.json what a later `--resume` without a job file needs to find the data. */
export async function writeOrigin(runDirectory: string, origin: Origin): Promise<void> {
  await writeTextAtomically(path.join(runDirectory, originFile), `${JSON.stringify(origin, undefined, 2)}\n`);
}

/** @throws UserError when the file is damaged */
export async function readOrigin(runDirectory: string): Promise<Origin> {
  const table = await readTable(path.join(runDirectory, originFile));
  return {
    jobDirectory: typeof table?.jobDirectory === "string" ? table.jobDirectory : process.cwd(),
    jobFile: typeof table?.jobFile === "string" ? table.jobFile : null,
  };
}
