import type { TrainFlags } from "../train/train-flags.ts";
import type { BenchContext } from "./bench-context.ts";
import { exchangeJob } from "./bench-job.ts";
import { measureRun } from "./measure-run.ts";

/** A step of workers that compute nothing. */
export interface MeasuredExchange {
  /** Float32 ones of the gradient. */
  readonly numbers: number;
  readonly workers: number;
  readonly through: "shared memory" | "sockets";
  readonly stepMs: number;
  readonly steps: number;
}

/** 4 KB, 1 MB and 16 MB: what costs are made of is fixed at the smallest, and all moving and adding at the largest. */
export const exchangeNumbers = [1_024, 262_144, 4_194_304] as const;

/** The whole step but for computing: push, sum, update by Adam, commit and its record, broadcast. */
export async function measureExchange(
  request: Pick<MeasuredExchange, "numbers" | "workers" | "through"> & { readonly seconds: number },
  placement: TrainFlags["placement"],
  rows: string,
  context: BenchContext,
): Promise<MeasuredExchange> {
  const { numbers, workers, through, seconds } = request;
  const { stepMs, steps } = await measureRun(
    {
      job: exchangeJob(numbers, workers, rows),
      ...{ workers, seconds, samplesPerStep: workers },
      flags: { device: ["cpu"], ...(placement === undefined ? {} : { placement }) },
      more: {
        withoutComputing: true,
        ...(through === "sockets" ? { environment: { LATENTWEAVE_SHARED_MEMORY: "off" } } : {}),
      },
    },
    context,
  );
  return { numbers, workers, through, stepMs, steps };
}
