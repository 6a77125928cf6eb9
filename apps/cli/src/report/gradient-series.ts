import path from "node:path";
import { readTable } from "@latentweave/checkpoint";
import { ownTasks, type RunSpec } from "@latentweave/plan";
import { readJsonLines } from "../disk-dashboard/read-lines.ts";

/** What was recorded of the tasks' gradients over the shared parameters at one step. */
export interface GradientPoint {
  readonly step: number;
  /** ‖g_i‖ by task, the task's weight in it. */
  readonly norms: readonly number[];
  /** cos(g_i, g_j) for i < j: row i has the tasks after i; null where a gradient is zero. */
  readonly cosines: readonly (readonly (number | null)[])[];
}

/** Of metrics/steps.jsonl, in order of steps; none where the run did not record any. */
export async function readGradientSeries(directory: string): Promise<readonly GradientPoint[]> {
  const spec = (await readTable(path.join(directory, "spec.json"))) as unknown as RunSpec | null;
  const tasks = spec ? ownTasks(spec).length : 0;
  const points: GradientPoint[] = [];
  for await (const row of readJsonLines(path.join(directory, "metrics", "steps.jsonl"))) {
    const gradients = row.gradients as
      { readonly norms: readonly number[]; readonly cosines: readonly (number | null)[] } | undefined;
    if (gradients === undefined || typeof row.step !== "number") continue;
    let place = 0;
    const cosines = Array.from({ length: Math.max(0, tasks - 1) }, (_, task) => {
      const own = gradients.cosines.slice(place, place + tasks - 1 - task);
      place += own.length;
      return own;
    });
    points.push({ step: row.step, norms: gradients.norms, cosines });
  }
  return points;
}
