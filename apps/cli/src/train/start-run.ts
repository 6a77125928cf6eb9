import path from "node:path";
import { claimFolder, releaseFolder } from "./claim-folder.ts";
import { launchRun } from "./launch-run.ts";
import type { LaunchedProcesses, LaunchedRun, LaunchOptions } from "./launched-run.ts";
import { writeOrigin } from "./origin.ts";
import { prepareLaunch } from "./prepare-launch.ts";
import type { JobSource, TrainFlags } from "./train-flags.ts";

/**
 * Checks a job and its flags, then starts its processes. A run that cannot be started leaves nothing behind.
 * @param source absent: continue a run (`--resume`) by its own job.json
 * @throws UserError for everything that a person can mend
 */
export async function startRun(
  source: JobSource | undefined,
  flags: TrainFlags,
  log: (line: string) => void,
): Promise<LaunchedRun> {
  const options = await prepareLaunch(source, flags, log);
  return options.resume ? await launchRun(options) : await startNewRun(options, source?.file ?? null);
}

/** @param jobFile as it was given; null for a job from code */
export async function startNewRun(
  options: LaunchOptions,
  jobFile: string | null,
): Promise<LaunchedRun & LaunchedProcesses> {
  const directory = path.join(options.runsDirectory, options.runId);
  await claimFolder(directory);
  try {
    await writeOrigin(directory, { jobDirectory: options.jobDirectory, jobFile });
    return await launchRun(options);
  } catch (error) {
    await releaseFolder(directory);
    throw error;
  }
}
