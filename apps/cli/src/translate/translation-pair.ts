import { UserError } from "@latentweave/protocol";
import { type InferredOutput, outputPlace } from "../report/infer-rows.ts";
import { namedTask } from "../report/named-task.ts";
import type { OpenedRun, OpenedTask } from "../report/open-run.ts";

/** Two tasks of a run, between which a latent can pass. */
export interface TranslationPair {
  readonly from: OpenedTask;
  readonly to: OpenedTask;
  /** Numbers at the start of the latent that tasks have in common; behind them are those of the target's own. */
  readonly sharedNumbers: number;
  readonly latentNumbers: number;
}

/**
 * The two tasks by name.
 * @throws UserError where there is no such task, where the two have no latent in common, or the target no decoder
 */
export function translationPair(run: OpenedRun, fromName: string, toName: string): TranslationPair {
  const from = namedTask(run, "--from", fromName);
  const to = namedTask(run, "--to", toName);
  if (from === to)
    throw new UserError({
      where: `--to ${toName}`,
      what: "a task is translated to itself, which is its reconstruction",
      expected: "another task than that of --from",
      mend: "name another, or use: latentweave encode RUN DATA --of reconstruction",
      exitCode: 2,
    });
  const { model } = run.job;
  if (model.kind === "private" || model.kind === "bank" || model.kind === "cross-stitch")
    throw new UserError({
      where: `run ${run.runId}`,
      what: `its model is of the kind "${model.kind}", in which each task has a latent of its own${model.kind === "cross-stitch" ? " (that of its column)" : ""}`,
      expected: "a latent in common: shared, private-shared, mmoe, cgc, film or adapters",
      mend: "train the tasks in such a model, and name that run",
    });
  for (const { name, branched } of [from, to])
    if (branched)
      throw new UserError({
        where: `run ${run.runId}`,
        what: `its guard moved the task "${name}" to a branch of its own at step ${branched.at}, where it shares no latent`,
        expected: "two tasks that share one",
        mend: `translate by a checkpoint from before: ${run.runId}@STEP`,
      });
  if (to.graph.reconstruction === undefined)
    throw new UserError({
      where: `--to ${toName}`,
      what: "this task has no decoder: its job has reconstruction: false",
      expected: "a task that reconstructs its samples",
      mend: "name another task with --to",
    });
  const latentNumbers = latentOutput(run, to).numbers;
  const sharedNumbers = model.kind === "private-shared" ? model.latent.units : latentNumbers;
  return { from, to, sharedNumbers, latentNumbers };
}

/**
 * Where the latent of a task comes out, and how many numbers it has.
 * @throws RangeError where there is none
 */
export function latentOutput(run: OpenedRun, task: OpenedTask): InferredOutput {
  const place = outputPlace(run, task, "latent");
  if (!place) throw new RangeError(`the task "${task.name}" has no latent`);
  return place;
}
