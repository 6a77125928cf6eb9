import path from "node:path";
import { readJsonLines } from "../../disk-dashboard/read-lines.ts";

export type Curve = readonly (readonly [step: number, value: number])[];

/** Losses of one task over the run. */
export interface TaskCurves {
  readonly task: string;
  readonly training: Curve;
  /** On rows that were not trained on, whenever the job evaluated. */
  readonly evaluation: Curve;
  /** Mean training loss over the newest steps and the newest evaluation's: what over-fitting is seen by. */
  readonly gap: { readonly training: number; readonly evaluation: number } | null;
}

/** Steps whose training losses are averaged beside one evaluation: enough to level the noise of micro-batches. */
const gapSteps = 20;

export async function readCurves(
  directory: string,
  tasks: readonly string[],
): Promise<readonly TaskCurves[]> {
  const training = new Map<string, [number, number][]>(tasks.map((task) => [task, []]));
  const evaluation = new Map<string, [number, number][]>(tasks.map((task) => [task, []]));
  for await (const row of readJsonLines(path.join(directory, "metrics", "steps.jsonl"))) {
    const step = typeof row.step === "number" ? row.step : Number.NaN;
    const losses = (row.loss ?? {}) as Readonly<Record<string, number>>;
    for (const [task, loss] of Object.entries(losses)) training.get(task)?.push([step, loss]);
    const evaluated = (row.evaluation ?? {}) as Readonly<Record<string, Readonly<Record<string, number>>>>;
    for (const [task, { loss }] of Object.entries(evaluated))
      if (loss !== undefined) evaluation.get(task)?.push([step, loss]);
  }
  return tasks.map((task) => {
    const [own, held] = [training.get(task) ?? [], evaluation.get(task) ?? []];
    const newest = own.slice(-gapSteps).map(([, loss]) => loss);
    const last = held.at(-1)?.[1];
    return {
      task,
      training: own,
      evaluation: held,
      gap:
        newest.length > 0 && last !== undefined
          ? { training: newest.reduce((sum, loss) => sum + loss, 0) / newest.length, evaluation: last }
          : null,
    };
  });
}
