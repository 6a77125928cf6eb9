/**
 * How long a step of `sync` takes, from what its parts cost when each is measured alone (docs/performance.md). A step is
 * a barrier: everybody computes, everybody pushes, shards sum and update, everybody gets the new weights; so the parts
 * add up, and each is as slow as its most loaded core.
 */

/** What moving and summing costs, per float32 number, measured without any computation. */
export interface NumberCosts {
  /** The size of the gradient with which it was measured: what fits a cache is cheaper. */
  readonly numbers: number;
  /** Nanoseconds of a worker: handing its gradient over, taking the weights. */
  readonly workerNs: number;
  /** Nanoseconds of the shard that owns the number, once a step: the optimiser. */
  readonly updateNs: number;
  /** Nanoseconds of that shard for each worker: adding what it pushed, sending it the new weights. */
  readonly contributionNs: number;
}

export interface StepCosts {
  /** Whatever the sizes, ms: messages, commit, wake-ups. */
  readonly fixedMs: number;
  /** As much again for each worker, ms. */
  readonly perWorkerMs: number;
  /** At one size at least, in rising order of `numbers`. */
  readonly byNumbers: readonly NumberCosts[];
}

/** Who takes part. Hosts have the same number of workers and of shards; with one host there is no link. */
export interface ClusterShape {
  readonly numbers: number;
  readonly workers: number;
  readonly shards: number;
  /** Cores of a host, which its workers and shards share. */
  readonly cores: number;
  readonly hosts?: number;
  readonly link?: LinkShape;
}

export interface LinkShape {
  /** Of a host's link, each way. */
  readonly bitsPerSecond: number;
  /** One way. */
  readonly latencyMs: number;
  /** `mesh`: every host has its share of the shards. `star`: all shards are on one host, so many workers elsewhere. */
  readonly kind: "mesh" | { readonly farWorkers: number };
}

export interface StepPrediction {
  readonly computeMs: number;
  /** Processors, moving and summing. */
  readonly exchangeMs: number;
  /** Beyond what processors need meanwhile. */
  readonly linkMs: number;
  readonly totalMs: number;
}

/** Of an Ethernet frame of 1,514 bytes, what TCP carries with its usual options. */
const payloadShare = 1448 / 1514;
const bytesPerNumber = 4;

/**
 * @param computeMs of one worker's micro-batches of a step, with every core of the host computing
 * @throws RangeError where nothing was measured, or a count is not positive
 */
export function predictStep(costs: StepCosts, shape: ClusterShape, computeMs: number): StepPrediction {
  const { numbers, workers, shards, cores, hosts = 1, link } = shape;
  for (const [name, count] of Object.entries({ numbers, workers, shards, cores, hosts }))
    if (!(count > 0)) throw new RangeError(`${name} must be above 0, not ${count}`);
  const { workerNs, updateNs, contributionNs } = costsAt(costs, numbers);
  const perCore = (processes: number): number => Math.max(1, processes / hosts / cores);
  const millions = numbers / 1e6;
  const transferMs =
    millions * workerNs * perCore(workers) +
    ((millions * workers) / shards) * contributionNs * perCore(shards);
  const updateMs = (millions / shards) * updateNs * perCore(shards);
  const exchangeMs = costs.fixedMs + costs.perWorkerMs * workers + transferMs + updateMs;
  const compute = computeMs * perCore(workers);
  const linkMs = link === undefined ? 0 : linkTime(shape, link, transferMs);
  return { computeMs: compute, exchangeMs, linkMs, totalMs: compute + exchangeMs + linkMs };
}

/** What the link takes beyond `transferMs`: processors work on what has come while the rest is on its way. */
function linkTime(shape: ClusterShape, link: LinkShape, transferMs: number): number {
  const bytesEachWay = shape.numbers * bytesPerNumber * crossing(shape, link);
  const bytesPerMs = (link.bitsPerSecond * payloadShare) / 8 / 1000;
  // Pushes and broadcasts; with shards on several hosts also what they report and what is decided.
  const trips = link.kind === "mesh" ? 4 : 2;
  return Math.max(0, (2 * bytesEachWay) / bytesPerMs - transferMs) + trips * link.latencyMs;
}

/** How many whole gradients the busiest link carries, in one direction, for the pushes of a step. */
function crossing({ workers, hosts = 1 }: ClusterShape, { kind }: LinkShape): number {
  return kind === "mesh" ? (workers / hosts) * (1 - 1 / hosts) : kind.farWorkers;
}

/** Between two measured sizes by the logarithm of the size; beyond them as at the nearest. */
function costsAt({ byNumbers }: StepCosts, numbers: number): Omit<NumberCosts, "numbers"> {
  const above = byNumbers.find((entry) => entry.numbers >= numbers) ?? byNumbers.at(-1);
  const below = byNumbers.findLast((entry) => entry.numbers <= numbers) ?? above;
  if (above === undefined || below === undefined) throw new RangeError("no costs were measured");
  const share =
    above === below
      ? 0
      : (Math.log(numbers) - Math.log(below.numbers)) / (Math.log(above.numbers) - Math.log(below.numbers));
  const between = (of: keyof NumberCosts): number => below[of] + share * (above[of] - below[of]);
  return {
    workerNs: between("workerNs"),
    updateNs: between("updateNs"),
    contributionNs: between("contributionNs"),
  };
}
