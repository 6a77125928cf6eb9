import type { PreparedRows } from "@latentweave/datasets";
import { type Compute, metricNames, type TaskGraph } from "@latentweave/model";

/** What a model does on rows that it was not trained on. */
export interface Measured {
  readonly samples: number;
  /** Mean squared error per number of the reconstruction; null where the task reconstructs nothing. */
  readonly reconstructionError: number | null;
  /** By head: share of right answers, or mean squared error per target. */
  readonly heads: Readonly<Record<string, { readonly accuracy: number } | { readonly squaredError: number }>>;
}

/** Large enough for the device's speed, small enough for its memory, convolutions included. */
const batchSamples = 500;

/** @param rows with targets wherever the task has heads; @param width numbers of one sample */
export async function measureModel(
  compute: Compute,
  place: { readonly phase: number; readonly graph: TaskGraph; readonly width: number },
  rows: PreparedRows & { readonly rows: number },
): Promise<Measured> {
  const { graph, width } = place;
  const names = metricNames(graph);
  const sums = new Map<string, number>(names.map((name) => [name, 0]));
  const targetWidth = rows.y ? rows.y.length / rows.rows : 0;
  for (let start = 0; start < rows.rows; start += batchSamples) {
    const end = Math.min(rows.rows, start + batchSamples);
    const targets = rows.y?.subarray(start * targetWidth, end * targetWidth);
    const columns = new Set(graph.losses.flatMap((term) => ("column" in term ? [term.column] : [])));
    const { metrics } = await compute.run({
      program: "evaluate",
      phase: place.phase,
      step: 0,
      round: 0,
      task: graph.task,
      slot: 0,
      samples: end - start,
      x: rows.x.subarray(start * width, end * width),
      columns: targets ? Object.fromEntries([...columns].map((column) => [column, targets])) : {},
    });
    for (const [index, name] of names.entries())
      sums.set(name, (sums.get(name) ?? 0) + (metrics[index] ?? Number.NaN));
  }
  const mean = (name: string): number => (sums.get(name) ?? Number.NaN) / rows.rows;
  const reconstruction = graph.losses.find((term) => term.kind === "reconstruction");
  return {
    samples: rows.rows,
    reconstructionError: reconstruction ? mean(`${reconstruction.name}.squaredError`) : null,
    heads: Object.fromEntries(
      graph.losses
        .filter((term) => term.kind !== "reconstruction")
        .map((term) => [
          term.name,
          term.kind === "classification"
            ? { accuracy: mean(`${term.name}.correct`) }
            : { squaredError: mean(`${term.name}.squaredError`) },
        ]),
    ),
  };
}
