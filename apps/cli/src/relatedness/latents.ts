import type { Compute } from "@latentweave/model";
import type { Rows } from "@latentweave/relatedness";
import type { SplitName } from "@latentweave/protocol";
import { computedAs, type OpenedRun, type OpenedTask } from "../report/open-run.ts";
import { allRows, measuredSplit } from "../report/read-split.ts";

/** Samples of a task, evenly spread over a split. */
export interface TaskSample {
  readonly task: OpenedTask;
  readonly split: SplitName;
  readonly rows: number;
  /** [rows, width] */
  readonly x: Float32Array;
  readonly y: Int32Array | Float32Array | undefined;
}

/** At most so many rows that were not trained on (or of the asked split), always the same ones. */
export async function sampleTask(task: OpenedTask, most: number, asked?: SplitName): Promise<TaskSample> {
  const split = measuredSplit(task, asked);
  const all = allRows(task.manifest, split);
  const count = Math.min(most, all.length);
  const refs = Array.from({ length: count }, (_, at) => all[Math.floor((at * all.length) / count)]).filter(
    (ref) => ref !== undefined,
  );
  const { x, y } = await task.reader.rows(split, refs);
  return { task, split, rows: count, x, y };
}

/** The last phase in which a task has a latent: a bank's second phase has none, its first has one per task. */
export function latentPlace(
  run: OpenedRun,
  taskName: string,
): { readonly phase: number; readonly numbers: number } | undefined {
  const computed = computedAs(run, taskName);
  for (let phase = run.phase; phase >= 0; phase--) {
    const graph = run.spec.phases[phase]?.graphs.find((one) => one.task === computed);
    const node = graph?.nodes.find(({ id }) => id === graph.latent);
    if (node) return { phase, numbers: node.shape.reduce((product, size) => product * size, 1) };
  }
  return undefined;
}

/** Rows large enough for the device's speed, small enough for its memory. */
const batchRows = 500;

/**
 * What the encoder of `taskName` makes of samples of any task whose rows are as wide as its own.
 * @returns undefined where it has no latent, or takes rows of another width
 */
export async function encodeSample(
  compute: Compute,
  run: OpenedRun,
  taskName: string,
  sample: TaskSample,
): Promise<Rows | undefined> {
  const place = latentPlace(run, taskName);
  const own = run.tasks.find(({ name }) => name === taskName);
  const { width } = sample.task.manifest.x;
  if (!place || own?.manifest.x.width !== width) return undefined;
  const values = new Float32Array(sample.rows * place.numbers);
  for (let start = 0; start < sample.rows; start += batchRows) {
    const end = Math.min(sample.rows, start + batchRows);
    const part = await compute.infer({
      ...{ phase: place.phase, task: computedAs(run, taskName), output: "latent", samples: end - start },
      x: sample.x.subarray(start * width, end * width),
    });
    values.set(part, start * place.numbers);
  }
  return { rows: sample.rows, width: place.numbers, values };
}
