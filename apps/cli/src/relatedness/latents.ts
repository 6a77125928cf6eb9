import type { Compute } from "@latentweave/model";
import type { Rows } from "@latentweave/relatedness";
import type { SplitName } from "@latentweave/protocol";
import { inferRows, outputPlace } from "../report/infer-rows.ts";
import type { OpenedRun, OpenedTask } from "../report/open-run.ts";
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
  const own = run.tasks.find(({ name }) => name === taskName);
  if (own?.manifest.x.width !== sample.task.manifest.x.width) return undefined;
  const place = outputPlace(run, own, "latent");
  if (!place) return undefined;
  const values = await inferRows(compute, place, sample);
  return { rows: sample.rows, width: place.numbers, values };
}
