import type { Compute } from "@latentweave/model";
import type { OpenedRun, OpenedTask } from "./open-run.ts";

/** Rows at once: large enough for the device's speed, small enough for its memory, convolutions included. */
export const batchRows = 500;

/** An output of a task's graph, and how many numbers of it a row has. */
export interface InferredOutput {
  readonly phase: number;
  readonly task: string;
  readonly output: string;
  readonly numbers: number;
}

/** The last phase that has an output of a task: a bank's second phase has no latent, its first has one per task. */
export function outputPlace(
  run: OpenedRun,
  { graph: { task } }: OpenedTask,
  output: "latent" | "reconstruction",
): (InferredOutput & { readonly shape: readonly number[] }) | undefined {
  for (let phase = run.phase; phase >= 0; phase--) {
    const graph = run.spec.phases[phase]?.graphs.find((one) => one.task === task);
    const shape = graph?.nodes.find(({ id }) => id === graph[output])?.shape;
    if (shape)
      return { phase, task, output, shape, numbers: shape.reduce((product, size) => product * size, 1) };
  }
  return undefined;
}

/** @returns [rows, numbers] */
export async function inferRows(
  compute: Compute,
  of: InferredOutput,
  { rows, x }: { readonly rows: number; readonly x: Float32Array },
): Promise<Float32Array> {
  const { phase, task, output, numbers } = of;
  const width = x.length / rows;
  const values = new Float32Array(rows * numbers);
  for (let start = 0; start < rows; start += batchRows) {
    const end = Math.min(rows, start + batchRows);
    const batch = { samples: end - start, x: x.subarray(start * width, end * width) };
    values.set(await compute.infer({ phase, task, output, ...batch }), start * numbers);
  }
  return values;
}
