import { alignedSplit } from "@latentweave/aggregation";
import type { RunSpec } from "@latentweave/plan";
import type { Lease } from "@latentweave/protocol";

export interface Assignee {
  readonly workerId: string;
  /** Relative speed; 1 where nothing has been measured yet. */
  readonly speed: number;
}

/**
 * Divides every task's slots among the workers in proportion to their speed. The order of workers is turned by one per
 * task, so that tasks with fewer slots than workers do not all land on the same ones.
 */
export function assignLeases(
  spec: Pick<RunSpec, "tasks">,
  workers: readonly Assignee[],
): ReadonlyMap<string, Lease[]> {
  const leases = new Map<string, Lease[]>(workers.map((worker) => [worker.workerId, []]));
  for (const [turn, task] of spec.tasks.entries()) {
    const order = workers.map((_, place) => workers[(place + turn) % workers.length] as Assignee);
    const ranges = alignedSplit(
      task.slots,
      order.map((worker) => worker.speed),
    );
    for (const [place, worker] of order.entries()) {
      const range = ranges[place];
      if (range && range.start < range.end)
        leases.get(worker.workerId)?.push({ task: task.name, start: range.start, end: range.end });
    }
  }
  return leases;
}

/** Predicted time of a step under these leases, in units of one sample at speed 1: the slowest worker decides. */
export function stepCost(
  spec: Pick<RunSpec, "tasks">,
  workers: readonly Assignee[],
  leases: ReadonlyMap<string, readonly Lease[]>,
): number {
  const microBatch = new Map(spec.tasks.map((task) => [task.name, task.microBatch]));
  const costs = workers.map((worker) => {
    const samples = (leases.get(worker.workerId) ?? []).reduce(
      (sum, lease) => sum + (lease.end - lease.start) * (microBatch.get(lease.task) ?? 0),
      0,
    );
    return samples / worker.speed;
  });
  return Math.max(0, ...costs);
}

/**
 * Moving slots makes workers fetch other shards of data, so leases stay unless the measured speeds promise a step this
 * much shorter: well above the swing of step times on a quiet machine.
 */
const leastGain = 0.2;

/** New leases, when the measured speeds promise enough; undefined to leave them. */
export function rebalance(
  spec: Pick<RunSpec, "tasks">,
  workers: readonly Assignee[],
  current: ReadonlyMap<string, readonly Lease[]>,
): ReadonlyMap<string, Lease[]> | undefined {
  const better = assignLeases(spec, workers);
  const now = stepCost(spec, workers, current);
  const then = stepCost(spec, workers, better);
  // Whoever has no slots is never measured again, and would stay without them when its machine is free once more.
  const keepsAll = workers.every(({ workerId }) => has(better, workerId) || !has(current, workerId));
  return keepsAll && then < now * (1 - leastGain) ? better : undefined;
}

function has(leases: ReadonlyMap<string, readonly Lease[]>, workerId: string): boolean {
  return (leases.get(workerId)?.length ?? 0) > 0;
}
