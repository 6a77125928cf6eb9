import { type ExchangePoint, fitCosts, predictStep } from "@latentweave/telemetry";
import { benchModel } from "./bench-job.ts";
import type { MeasuredCompute } from "./measure-compute.ts";
import type { MeasuredExchange } from "./measure-exchange.ts";
import type { MeasuredRun } from "./measure-run.ts";

/** What the model of a step (predictStep) says from its parts; nothing of it was measured. */
export interface HostsPrediction {
  /** Of the runs that were measured here: predicted over measured, less 1. */
  readonly errors: readonly {
    readonly workers: number;
    readonly predictedMs: number;
    readonly error: number;
  }[];
  readonly workersPerHost: number;
  readonly latencyMs: number;
  readonly hosts: readonly PredictedHosts[];
}

export interface PredictedHosts {
  readonly hosts: number;
  readonly bitsPerSecond: number;
  readonly stepMs: number;
  readonly samplesPerSecond: number;
}

const hostCounts = [2, 4, 8, 16];
const links = [1e9, 10e9, 25e9];
/** One way, of switched Ethernet in one room. */
const latencyMs = 0.1;

/**
 * Of hosts like this one, each with as many workers as there are here at most and with a shard of the parameter server.
 * What moving costs comes from the exchanges through sockets, what computing costs from processes that did nothing else.
 * @param shards of a run with so many workers here
 */
export function predictHosts({
  compute,
  exchanges,
  runs,
  cores,
  shards,
}: {
  readonly compute: readonly MeasuredCompute[];
  readonly exchanges: readonly MeasuredExchange[];
  readonly runs: readonly Pick<MeasuredRun, "workers" | "stepMs">[];
  readonly cores: number;
  readonly shards: (workers: number) => number;
}): HostsPrediction {
  const numbers = benchModel.parameters;
  const costsOf = (through: MeasuredExchange["through"], shardsOf: (workers: number) => number) =>
    fitCosts(
      exchanges
        .filter((point) => point.through === through)
        .map(({ numbers: size, workers, stepMs }): ExchangePoint => ({
          ...{ numbers: size, workers, shards: shardsOf(workers), cores, ms: stepMs },
        })),
    );
  const apart = costsOf("sockets", shards);
  const hasMemory = exchanges.some(({ through }) => through === "shared memory");
  const here = hasMemory ? costsOf("shared memory", shards) : apart;
  /** One micro-batch while as many others are computed as there are cores for. */
  const computeMs = (workers: number): number => {
    const atOnce = Math.min(workers, cores);
    const fitting = compute.filter(({ processes }) => processes <= atOnce).at(-1) ?? compute[0];
    return fitting?.stepMs ?? 0;
  };
  const errors = runs.map(({ workers, stepMs }) => {
    const shape = { numbers, workers, shards: shards(workers), cores };
    const { totalMs } = predictStep(here, shape, computeMs(workers));
    return { workers, predictedMs: totalMs, error: totalMs / stepMs - 1 };
  });
  const workersPerHost = Math.max(...runs.map(({ workers }) => workers));
  const hosts = hostCounts.flatMap((count) =>
    links.map((bitsPerSecond): PredictedHosts => {
      const workers = count * workersPerHost;
      const shape = { numbers, workers, shards: count, cores, hosts: count };
      const link = { bitsPerSecond, latencyMs, kind: "mesh" } as const;
      const { totalMs } = predictStep(apart, { ...shape, link }, computeMs(workersPerHost));
      const samplesPerSecond = (1000 * workers * benchModel.batch) / totalMs;
      return { hosts: count, bitsPerSecond, stepMs: totalMs, samplesPerSecond };
    }),
  );
  return { errors, workersPerHost, latencyMs, hosts };
}
