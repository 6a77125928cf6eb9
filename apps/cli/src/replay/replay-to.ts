import { UserError } from "@latentweave/protocol";
import type { ReplayableRun } from "./open-replay.ts";
import type { Replay } from "./replay-steps.ts";
import type { OnStep } from "./tell-steps.ts";

/**
 * Computes a run again until its weights are those of `version`.
 * @throws UserError when the record does not reach that far, or what is computed is not what was recorded
 */
export async function replayTo(run: ReplayableRun, version: number, onStep: OnStep): Promise<Replay> {
  const { index, directory } = run;
  if (version > index.nextStep)
    throw new UserError({
      what: `the record ends at step ${index.nextStep}`,
      where: directory,
      expected: `a step from 0 to ${index.nextStep}`,
      exitCode: 2,
    });
  const replay = await run.begin(version);
  const from = replay.version;
  for (let step = from; step < version; step++) {
    const commit = await index.commit(step);
    if (!commit || commit.version === step) break; // the closing evaluation makes no version
    onStep(step, step - from, version - from);
    const { faults } = await replay.step(commit);
    if (faults[0] !== undefined) throw notAsRecorded(directory, `step ${step}`, faults[0]);
  }
  if (replay.version !== version)
    throw new UserError({
      what: `there is no version ${version}: the last step changes no weights`,
      where: directory,
      expected: `a step from 0 to ${replay.version}`,
      exitCode: 2,
    });
  const recorded = index.digest(version);
  if (recorded !== undefined && recorded !== replay.digest())
    throw notAsRecorded(directory, `version ${version}`, "other weights than the record says");
  return replay;
}

function notAsRecorded(directory: string, where: string, what: string): UserError {
  return new UserError({
    what: `${where} does not come to what was recorded: ${what}`,
    where: directory,
    mend: "latentweave verify RUN --recompute STEP..STEP says more",
  });
}
