import type { LoadedBackend } from "@latentweave/compute";
import type { Compute, MicroBatch } from "@latentweave/model";
import { planStep } from "@latentweave/plan";
import { sampleTask, type TaskSample } from "../relatedness/latents.ts";
import type { Matrix } from "../relatedness/similarity.ts";
import { loadModel } from "../report/load-model.ts";
import type { OpenedRun } from "../report/open-run.ts";

/** Enough that a loss is known to a few per cent, few enough to cost no more than a step. */
const gradientRows = 256;

/**
 * Of the length of one of the optimiser's steps: a whole one along a single gradient goes so far that what the other
 * tasks lose says more of their own curvature than of the two gradients (measured: Z of −0.2 to −1.7 for tables).
 */
const stepShare = 0.1;

/**
 * Affinity at a checkpoint (Fifty et al. 2021): entry (i, j) is Z = 1 − L_j(θ − η g_i)/L_j(θ), with g_i the gradient of
 * task i over the shared parameters on training rows and losses L_j on rows that were not trained on. η makes the step
 * a tenth as long as one of the optimiser's, η = 0.1·rate·√d/‖g_i‖ over d shared parameters: raw gradients of tasks differ by
 * orders of magnitude.
 * @returns undefined where the tasks share nothing, or a task has no gradient there
 */
export async function affinityAt(run: OpenedRun, backend: LoadedBackend): Promise<Matrix | undefined> {
  const { phase } = planStep(run.spec, Math.max(0, run.version - 1));
  const graphs = run.spec.phases[phase]?.graphs ?? [];
  // Averages are no weights that could be moved along a gradient: nobody has one of theirs.
  const shared = run.layout.groups.filter(
    (group) => group.shared && group.tensors.every(({ movingAverage }) => movingAverage === undefined),
  );
  if (shared.length === 0) return undefined;
  const compute = await loadModel(run, backend);
  try {
    const [training, held] = [new Map<string, TaskSample>(), new Map<string, TaskSample>()];
    for (const task of run.tasks) {
      training.set(task.name, await sampleTask(task, gradientRows, "train"));
      held.set(task.name, await sampleTask(task, gradientRows));
    }
    const batch = (
      name: string,
      program: MicroBatch["program"],
      samples: ReadonlyMap<string, TaskSample>,
    ): MicroBatch => {
      const sample = samples.get(name) as TaskSample;
      const graph = graphs.find(({ task }) => task === name);
      const columns = new Set(graph?.losses.flatMap((term) => ("column" in term ? [term.column] : [])));
      const { y } = sample;
      return {
        ...{ program, phase, step: run.version, round: 0, task: name, slot: 0, samples: sample.rows },
        x: sample.x,
        columns: y === undefined ? {} : Object.fromEntries([...columns].map((column) => [column, y])),
      };
    };
    // The second number of every evaluation is the loss, summed over samples.
    const lossOf = async (name: string): Promise<number> => {
      const { metrics } = await compute.run(batch(name, "evaluate", held));
      return (metrics[1] ?? Number.NaN) / (held.get(name)?.rows ?? 1);
    };
    const tasks = run.tasks.map(({ name }) => name);
    const before: number[] = [];
    for (const task of tasks) before.push(await lossOf(task));
    const numbers = shared.reduce((sum, group) => sum + group.numbers, 0);
    const length = stepShare * run.spec.optimiser.learningRate * Math.sqrt(numbers);
    const rows: (number | null)[][] = [];
    for (const task of tasks) {
      const { gradients } = await compute.run(batch(task, "gradient", training));
      const names = graphs.find((graph) => graph.task === task)?.groups ?? [];
      const moved = await moveAgainst(compute, run, shared, names, gradients, length);
      if (!moved) return undefined;
      const row: number[] = [];
      for (const [at, other] of tasks.entries())
        row.push(1 - (await lossOf(other)) / (before[at] ?? Number.NaN));
      rows.push(row);
      await compute.setParameters(
        shared.map(({ index }) => ({
          group: index,
          start: 0,
          values: run.parameters[index] as Float32Array,
        })),
      );
    }
    return rows;
  } finally {
    await compute.close();
  }
}

/** Moves the shared parameters a way of `length` against a gradient; false where there is none. */
async function moveAgainst(
  compute: Compute,
  run: OpenedRun,
  shared: OpenedRun["layout"]["groups"],
  names: readonly string[],
  gradients: readonly Float32Array[],
  length: number,
): Promise<boolean> {
  const own = shared.flatMap((group) => {
    const gradient = gradients[names.indexOf(group.name)];
    return gradient ? [{ group, gradient }] : [];
  });
  let squares = 0;
  for (const { gradient } of own) for (const value of gradient) squares += value * value;
  if (!(squares > 0) || !Number.isFinite(squares)) return false;
  const eta = length / Math.sqrt(squares);
  await compute.setParameters(
    own.map(({ group, gradient }) => ({
      ...{ group: group.index, start: 0 },
      values: (run.parameters[group.index] as Float32Array).map(
        (value, at) => value - eta * (gradient[at] ?? 0),
      ),
    })),
  );
  return true;
}
