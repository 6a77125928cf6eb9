import { alignedSplit, type SlotRange } from "@latentweave/aggregation";
import type { RunSpec } from "@latentweave/plan";
import type { Lease } from "@latentweave/protocol";

export interface Assignee {
  readonly workerId: string;
  /** Relative speed; 1 where nothing has been measured yet. */
  readonly speed: number;
  /** Those of one host get neighbouring slots, where somebody adds up what they send. */
  readonly host?: string | undefined;
}

/**
 * Divides every task's slots among the workers in proportion to their speed. The order of workers is turned by one per
 * task, so that tasks with fewer slots than workers do not all land on the same ones: that of hosts, and in each host
 * that of its workers.
 */
export function assignLeases(
  spec: Pick<RunSpec, "tasks">,
  workers: readonly Assignee[],
): ReadonlyMap<string, Lease[]> {
  const leases = new Map<string, Lease[]>(workers.map((worker) => [worker.workerId, []]));
  const hosts = byHost(workers);
  for (const [turn, task] of spec.tasks.entries()) {
    const order = turned(hosts, turn).flatMap((all) => turned(all, turn));
    const speeds = order.map((worker) => worker.speed);
    const ranges = relieve(alignedSplit(task.slots, speeds), speeds);
    for (const [place, worker] of order.entries()) {
      const range = ranges[place];
      if (range && range.start < range.end)
        leases.get(worker.workerId)?.push({ task: task.name, start: range.start, end: range.end });
    }
  }
  return leases;
}

function turned<T>(all: readonly T[], turn: number): T[] {
  const first = all.length === 0 ? 0 : turn % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

/** In the order of each host's first worker; one whose host is not known stands alone. */
function byHost(workers: readonly Assignee[]): readonly (readonly Assignee[])[] {
  const hosts = new Map<string, Assignee[]>();
  const all: Assignee[][] = [];
  for (const worker of workers) {
    const known = worker.host === undefined ? undefined : hosts.get(worker.host);
    if (known) {
      known.push(worker);
      continue;
    }
    const own = [worker];
    all.push(own);
    if (worker.host !== undefined) hosts.set(worker.host, own);
  }
  return all;
}

/**
 * Whole slots are coarse for a worker that is to have one or two of them: one too many, and all wait for it. Cuts move
 * slot by slot towards whoever takes longest, while somebody's share is more than this above the mean.
 */
const mostAboveMean = 1.25;

function relieve(ranges: readonly SlotRange[], speeds: readonly number[]): readonly SlotRange[] {
  const sizes = ranges.map(({ start, end }) => end - start);
  const slots = sizes.reduce((sum, size) => sum + size, 0);
  const most = (mostAboveMean * slots) / speeds.reduce((sum, speed) => sum + speed, 0);
  const costWith = (place: number, more: number): number =>
    ((sizes[place] ?? 0) + more) / (speeds[place] as number);
  for (let moves = 0; moves < slots; moves += 1) {
    const costs = sizes.map((_, place) => costWith(place, 0));
    const worst = costs.indexOf(Math.max(...costs));
    if ((costs[worst] as number) <= most) break;
    const [near] = [worst - 1, worst + 1]
      .filter((place) => place >= 0 && place < sizes.length && costWith(place, 1) < (costs[worst] as number))
      .sort((a, b) => costWith(a, 1) - costWith(b, 1));
    if (near === undefined) break;
    sizes[worst] = (sizes[worst] as number) - 1;
    sizes[near] = (sizes[near] as number) + 1;
  }
  let start = 0;
  return sizes.map((size) => ({ start, end: (start += size) }));
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
