import { stat } from "node:fs/promises";
import path from "node:path";
import { findRun } from "@latentweave/checkpoint";
import { UserError } from "@latentweave/protocol";

/**
 * The path that a person means by RUN, RUN@STEP (that step's checkpoint), a checkpoint's folder or a file.
 * @throws UserError with the nearest run, or the steps that have checkpoints
 */
export async function findTarget(runsDirectory: string, target: string): Promise<string> {
  const [, run, step] = /^(.+)@(\d+)$/.exec(target) ?? [];
  if (run !== undefined && step !== undefined) {
    const checkpoint = checkpointFolder(findRun(runsDirectory, run), Number(step));
    if (await exists(checkpoint)) return checkpoint;
    throw new UserError({
      what: `there is no checkpoint of step ${Number(step)}`,
      where: `run ${run}`,
      mend: `see which there are: latentweave inspect ${run}`,
    });
  }
  if (/[\\/.]/.test(target) && (await exists(target))) return target;
  return findRun(runsDirectory, target);
}

/** Where a run keeps the checkpoint of a version. */
export function checkpointFolder(runDirectory: string, version: number): string {
  return path.join(runDirectory, "checkpoints", `step-${String(version).padStart(8, "0")}`);
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
