import { nearest } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
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
  const latentNumbers = numbersOf(to);
  const sharedNumbers = model.kind === "private-shared" ? model.latent.units : latentNumbers;
  return { from, to, sharedNumbers, latentNumbers };
}

function numbersOf({ graph, name }: OpenedTask): number {
  const latent = graph.nodes.find(({ id }) => id === graph.latent);
  if (!latent) throw new RangeError(`the task "${name}" has no latent`);
  return latent.shape.reduce((product, size) => product * size, 1);
}

function namedTask(run: OpenedRun, flag: string, name: string): OpenedTask {
  const names = run.tasks.map((task) => task.name);
  const found = run.tasks.find((task) => task.name === name);
  if (found) return found;
  const close = nearest(name, names);
  throw new UserError({
    where: flag,
    what: `run ${run.runId} has no task "${name}"`,
    expected: `one of ${names.join(", ")}`,
    mend: close === undefined ? "name one of them" : `did you mean "${close}"?`,
    exitCode: 2,
  });
}
