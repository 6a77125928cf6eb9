import type { RunSpec } from "@latentweave/plan";
import type { Compute } from "@latentweave/model";
import { createLayout } from "@latentweave/parameters";
import type { StepCosts } from "@latentweave/telemetry";
import { createCluster, type RowSourceOf } from "./cluster.ts";
import type { Delay } from "./sim-channel.ts";

/** Hosts that were not there: each with a worker, a shard of the parameter server and a link. */
export interface SimulatedHosts {
  readonly hosts: number;
  /** Of each host's link, each way. */
  readonly bitsPerSecond: number;
  /** One way. */
  readonly latencyMs: number;
  /** Of a worker's micro-batch. */
  readonly computeMs: number;
  /** Of moving and summing, as measured; those of the size nearest to the model's are taken. */
  readonly costs: StepCosts;
}

/** Steps before those that are counted: the first is also the workers' arrival. */
const warmUpSteps = 2;
const countedSteps = 4;

/**
 * How long a step takes in a cluster of the real engines in virtual time, where computing, moving and summing take what
 * was measured elsewhere. Unlike `predictStep`, which adds parts up, this has every message wait for its sender's
 * processor, both links and its receiver's processor, each of which carries one after the other.
 * 1. Costs go with the numbers that a message carries. A worker's are for handing over and for taking, half each; a
 *    shard's for what it adds and for what it sends, half each, with its share of the update on what it sends.
 * 2. What a step costs whatever its size comes before its computation.
 * @param spec with a slot for each host. @param computeOf gives gradients at once: time is this function's
 * @returns ms a step, in the mean of some
 */
export async function simulateHosts(
  spec: RunSpec,
  { hosts, bitsPerSecond, latencyMs, computeMs, costs }: SimulatedHosts,
  computeOf: () => Compute,
): Promise<number> {
  const numbers = createLayout(spec.groups).groups.reduce((sum, group) => sum + group.numbers, 0);
  let nowMs = (): number => 0;
  const cluster = createCluster({
    ...{ spec, shards: hosts, expectedWorkers: hosts, rows: zeroRows, seed: 1, computeOf },
    computeMs: computeMs + costs.fixedMs,
    delay: hostDelay({ hosts, bitsPerSecond, latencyMs, costs, numbers }, () => nowMs()),
  });
  nowMs = () => cluster.clock.nowMs();
  for (let host = 0; host < hosts; host++) cluster.addWorker(`worker-${host}`);
  const reached = async (step: number): Promise<number> => {
    await cluster.runUntil(() => cluster.coordinator.snapshot().step >= step);
    return cluster.clock.nowMs();
  };
  const fromMs = await reached(warmUpSteps);
  return ((await reached(warmUpSteps + countedSteps)) - fromMs) / countedSteps;
}

/** Of an Ethernet frame of 1,514 bytes, what TCP carries with its usual options. */
const payloadShare = 1448 / 1514;
const bytesPerNumber = 4;

function hostDelay(
  {
    hosts,
    bitsPerSecond,
    latencyMs,
    costs,
    numbers,
  }: Pick<SimulatedHosts, "hosts" | "bitsPerSecond" | "latencyMs" | "costs"> & { readonly numbers: number },
  nowMs: () => number,
): Delay {
  const near = costs.byNumbers.toSorted(
    (a, b) => distance(a.numbers, numbers) - distance(b.numbers, numbers),
  )[0];
  if (!near) throw new RangeError("no costs were measured");
  const perWorkerNs = (1e6 * costs.perWorkerMs * hosts) / numbers;
  const sendNs = { worker: near.workerNs / 2, shard: near.contributionNs / 2 + near.updateNs / hosts };
  const takeNs = { worker: near.workerNs / 2, shard: near.contributionNs / 2 + perWorkerNs };
  const bytesPerMs = (bitsPerSecond * payloadShare) / 8 / 1000;
  const free = new Map<string, number>();
  /** From `ms` on, or as soon as what came before is done. @returns when it begins */
  const occupy = (what: string, ms: number, forMs: number): number => {
    const startMs = Math.max(ms, free.get(what) ?? 0);
    free.set(what, startMs + forMs);
    return startMs;
  };
  const isOurs = (name: string): boolean => name !== "coordinator";
  return ({ from, to, bytes }) => {
    const cost = (of: typeof sendNs, name: string): number =>
      isOurs(name) ? ((bytes / bytesPerNumber) * of[roleOf(name)]) / 1e6 : 0;
    const sendMs = cost(sendNs, from);
    let ms = occupy(from, nowMs(), sendMs) + sendMs;
    if (hostOf(from) !== hostOf(to)) {
      const wireMs = bytes / bytesPerMs;
      const leavesMs = occupy(`out of ${hostOf(from)}`, ms, wireMs);
      // The first bytes arrive while the last ones leave.
      const arrivesMs = occupy(`into ${hostOf(to)}`, leavesMs + latencyMs, wireMs);
      ms = arrivesMs + wireMs;
    }
    const takeMs = cost(takeNs, to);
    return occupy(to, ms, takeMs) + takeMs - nowMs();
  };
}

const roleOf = (name: string): "worker" | "shard" => (name.startsWith("shard-") ? "shard" : "worker");
/** The coordinator is on the first. */
const hostOf = (name: string): string => /-(\d+)$/.exec(name)?.[1] ?? "0";
const distance = (a: number, b: number): number => Math.abs(Math.log(a) - Math.log(b));

const zeroRows: RowSourceOf = () => ({
  rows: async (_, refs) => ({ x: new Float32Array(refs.length), columns: {} }),
  prefetch: () => undefined,
  fetchedBytes: 0,
  close: async () => undefined,
});
