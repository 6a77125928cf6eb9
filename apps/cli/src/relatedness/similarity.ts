import { loadArithmetic } from "@latentweave/arithmetic";
import type { Compute } from "@latentweave/model";
import { linearCka, type Rows, squaredMmd } from "@latentweave/relatedness";
import type { OpenedRun } from "../report/open-run.ts";
import { encodeSample, type TaskSample } from "./latents.ts";

/** T×T by row, then column; null where it is not defined. */
export type Matrix = readonly (readonly (number | null)[])[];

/** A run with its model in memory. */
export interface LoadedRun {
  readonly run: OpenedRun;
  readonly compute: Compute;
}

/**
 * Linear CKA of what the encoders of tasks i and j make of the samples of task j: entry (i, j). Null where task i's
 * encoder takes rows of another width.
 * @param of where to find a task's model: one run with all tasks, or a run for each
 */
export async function ckaMatrix(
  samples: readonly TaskSample[],
  of: (task: string) => LoadedRun,
): Promise<Matrix> {
  const encode = (encoder: string, sample: TaskSample): Promise<Rows | undefined> => {
    const { run, compute } = of(encoder);
    return encodeSample(compute, run, encoder, sample);
  };
  const rows: (number | null)[][] = [];
  for (const from of samples) {
    const row: (number | null)[] = [];
    for (const to of samples) {
      if (from === to) {
        row.push(1);
        continue;
      }
      const [other, own] = [await encode(from.task.name, to), await encode(to.task.name, to)];
      row.push(other && own ? linearCka(other, own) : null);
    }
    rows.push(row);
  }
  return rows;
}

/** Squared MMD between the latents of tasks i and j, each of its own samples; null where their widths differ. */
export async function mmdMatrix(
  samples: readonly TaskSample[],
  { run, compute }: LoadedRun,
): Promise<Matrix> {
  const arithmetic = loadArithmetic();
  const latents: (Rows | undefined)[] = [];
  for (const sample of samples) latents.push(await encodeSample(compute, run, sample.task.name, sample));
  return latents.map((a, i) =>
    latents.map((b, j) => {
      if (i === j) return 0;
      return a && b && a.width === b.width && a.rows > 1 && b.rows > 1 ? squaredMmd(a, b, arithmetic) : null;
    }),
  );
}
