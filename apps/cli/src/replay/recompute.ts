import { lastStep } from "@latentweave/plan";
import { UserError } from "@latentweave/protocol";
import type { Problem } from "@latentweave/verify-engine";
import type { ReplayableRun } from "./open-replay.ts";
import type { OnStep } from "./tell-steps.ts";

/** Steps from `first` to `last`, both of them. */
export interface StepRange {
  readonly first: number;
  readonly last: number;
}

export interface Recomputation extends StepRange {
  /** Where computing began: the version of a checkpoint, or 0. */
  readonly from: number;
  readonly steps: number;
  readonly microBatches: number;
  /** Sums whose digests were compared. */
  readonly nodes: number;
  /** Versions whose digest was compared. */
  readonly versions: number;
  readonly problems: readonly Problem[];
  /** Everything that was recorded of these steps was computed again, to the same bits. */
  readonly proved: boolean;
}

/**
 * Computes steps again from the checkpoint before them and compares every bit that the record tells of: each sum that a
 * worker sent, and the weights after each step. Stops at the first step that differs, since all after it would.
 * @throws UserError when the record does not reach that far
 */
export async function recompute(
  run: ReplayableRun,
  { first, last }: StepRange,
  onStep: OnStep,
): Promise<Recomputation> {
  const { index } = run;
  requireSteps(run, { first, last });
  const replay = await run.begin(first);
  const from = replay.version;
  const tally = { steps: 0, microBatches: 0, nodes: 0, versions: 0 };
  const problems: Problem[] = [];

  const compareWeights = (version: number, digest: string): void => {
    const recorded = index.digest(version);
    if (recorded === undefined) {
      // Without it nothing ties the weights at the end to the record.
      if (version === last + 1 || version === from)
        problems.push({
          where: `version ${version}`,
          what: "the record has no digest of it to compare with",
        });
      return;
    }
    tally.versions += 1;
    if (recorded !== digest)
      problems.push({
        where: `version ${version}`,
        what: `the record has the version digest ${recorded}, computed is ${digest}`,
      });
  };

  compareWeights(from, replay.digest());
  for (let step = from; step <= last && problems.length === 0; step++) {
    const commit = await index.commit(step);
    if (!commit) break; // the record was asked how far it goes
    onStep(step, step - from, last + 1 - from);
    const done = await replay.step(commit);
    tally.steps += 1;
    tally.microBatches += done.microBatches;
    tally.nodes += done.nodes;
    problems.push(...done.faults.map((what) => ({ where: `step ${step}`, what })));
    if (commit.version > step) compareWeights(commit.version, done.digest);
  }
  return { first, last, from, ...tally, problems, proved: problems.length === 0 };
}

function requireSteps({ index, spec, directory }: ReplayableRun, { first, last }: StepRange): void {
  if (first <= last && last < index.nextStep) return;
  const all = lastStep(spec) + 1;
  throw new UserError({
    what:
      first > last
        ? `${first}..${last} are no steps`
        : `step ${last} is not in the record, which ends at step ${index.nextStep - 1}`,
    where: directory,
    expected: `steps from 0 to ${index.nextStep - 1}${index.nextStep < all ? ` (the job has ${all})` : ""}`,
    exitCode: 2,
  });
}
