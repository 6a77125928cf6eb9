import type { Compute } from "@latentweave/model";
import type { SplitName } from "@latentweave/protocol";
import { type Measured, measureModel } from "./measure-model.ts";
import type { OpenedRun, OpenedTask } from "./open-run.ts";
import { measuredSplit, readWhole } from "./read-split.ts";

/**
 * What a run's task does on rows that it was not trained on.
 * @param compute with the run's model
 * @param asked default: test rows, or validation rows where there are none
 */
export async function measureTask(
  compute: Compute,
  run: Pick<OpenedRun, "phase">,
  task: OpenedTask,
  asked?: SplitName,
): Promise<{ readonly split: SplitName; readonly samples: number; readonly measured: Measured }> {
  const split = measuredSplit(task, asked);
  const rows = await readWhole(task, split);
  const place = { phase: run.phase, graph: task.graph, width: task.manifest.x.width };
  return { split, samples: rows.rows, measured: await measureModel(compute, place, rows) };
}
