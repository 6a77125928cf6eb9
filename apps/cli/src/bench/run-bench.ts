import { parseDevice } from "@latentweave/native";
import { openSharedMemory } from "@latentweave/vault";
import { formatRate, formatSize } from "../show/numbers.ts";
import type { TrainFlags } from "../train/train-flags.ts";
import type { BenchContext } from "./bench-context.ts";
import { benchModel, trainingJob, writeRows } from "./bench-job.ts";
import { type FoundPyTorch, findPyTorch } from "./find-pytorch.ts";
import { coresInUse, describeMachine, isBusy, type Machine } from "./machine.ts";
import { type MeasuredCompute, measureCompute } from "./measure-compute.ts";
import { exchangeNumbers, type MeasuredExchange, measureExchange } from "./measure-exchange.ts";
import {
  ddpVariants,
  type DdpVariant,
  measureAllReduce,
  type MeasuredDdp,
  measureDdp,
} from "./measure-pytorch.ts";
import { type MeasuredRun, measureRun } from "./measure-run.ts";
import { type HostsPrediction, predictHosts } from "./predict-hosts.ts";

export interface BenchRequest {
  /** In rising order. */
  readonly workers: readonly number[];
  readonly seconds: number;
  readonly python?: string;
  readonly flags: Pick<TrainFlags, "device" | "backend"> & {
    readonly placement?: "dedicated" | "beside";
  };
}

export interface BenchResult {
  readonly schema: 1;
  readonly machine: Machine;
  readonly latentweave: string;
  /** Cores that other programs used before it began. */
  readonly inUse: number;
  readonly isBusy: boolean;
  readonly model: typeof benchModel;
  readonly seconds: number;
  readonly placement: "dedicated" | "beside";
  /** The first is one process alone. */
  readonly compute: readonly MeasuredCompute[];
  readonly runs: readonly BenchedRun[];
  readonly exchanges: readonly BenchedExchange[];
  readonly prediction: HostsPrediction;
  /** `missing`: why nothing of PyTorch was measured, and how to mend it. */
  readonly pytorch: { readonly torch: string } | { readonly missing: string; readonly mend: string };
}

export interface BenchedRun extends MeasuredRun {
  /** Samples/s of a worker over those of a worker of the smallest run. */
  readonly efficiency: number;
  readonly pytorch: Readonly<Partial<Record<DdpVariant, MeasuredDdp>>>;
}

export interface BenchedExchange extends MeasuredExchange {
  /** Of gloo's all-reduce of as many bytes among as many processes. */
  readonly allReduceMs: number | null;
}

/** Of the time for a run, what an exchange gets: there are many, and they start sooner. */
const exchangeShare = 0.25;
const leastExchangeSeconds = 0.5;
const leastTorchSteps = 20;

/**
 * Everything that `latentweave bench` shows, measured one after the other.
 * @throws UserError where a run fails; the signal's reason where it was aborted
 */
export async function runBench(
  request: BenchRequest,
  version: string,
  context: BenchContext,
): Promise<BenchResult> {
  const { signal, log } = context;
  const { flags, seconds } = request;
  for (const device of flags.device ?? []) parseDevice(device);
  const machine = describeMachine();
  const inUse = await coresInUse(signal);
  if (isBusy(inUse)) log(busyText(inUse, machine.cores));
  const torch = await torchFor(request, signal);
  log(
    "missing" in torch
      ? `without PyTorch: ${torch.missing}\n  to get it: ${torch.mend}`
      : `PyTorch ${torch.torch}`,
  );
  const rows = await writeRows();

  const compute = [await measureCompute(1, seconds, flags, rows, context)];
  log(`compute alone: ${rateText(compute[0] as MeasuredCompute)}`);
  const most = Math.max(...request.workers);
  const atOnce = Math.min(most, machine.cores);
  if (atOnce > 1) compute.push(await measureCompute(atOnce, seconds, flags, rows, context));
  const runs: BenchedRun[] = [];
  for (const workers of request.workers) {
    const run = await benchRun(workers, request, torch, rows, context);
    const [base = run] = runs;
    const efficiency = run.samplesPerSecond / workers / (base.samplesPerSecond / base.workers);
    runs.push({ ...run, efficiency });
  }
  const exchanges = await benchExchanges([1, Math.max(2, most)], request, torch, rows, context);
  const placement = flags.placement ?? "dedicated";
  const prediction = predictHosts({
    ...{ compute, exchanges, runs, cores: machine.cores },
    shards: (workers) => (placement === "beside" ? workers : 1),
  });
  return {
    ...{ schema: 1, machine, latentweave: version, inUse, isBusy: isBusy(inUse), model: benchModel, seconds },
    ...{ placement, compute, runs, exchanges, prediction },
    pytorch: "missing" in torch ? torch : { torch: torch.torch },
  };
}

/** Where it is left out, why. Over gloo it trains on processors: beside a GPU that would compare nothing. */
async function torchFor({ python, flags }: BenchRequest, signal: AbortSignal): Promise<FoundPyTorch> {
  if (python === "off")
    return { missing: "it was not wanted (--python off)", mend: "leave --python off out" };
  const found = await findPyTorch(python, signal);
  const isCpu = (flags.device ?? ["cpu"]).every((device) => device === "cpu");
  if (isCpu || "missing" in found) return found;
  return {
    missing: "it is compared on processors only, over gloo",
    mend: "compare there: --device cpu; on GPUs a checkout has `npm run bench:gpu`",
  };
}

export function busyText(inUse: number, cores: number): string {
  return `warning: other programs use ${inUse.toFixed(1)} of ${cores} cores: these figures will not mean much`;
}

const rateText = ({ samplesPerSecond, stepMs }: MeasuredDdp): string =>
  `${formatRate(samplesPerSecond)} samples/s, ${stepMs.toPrecision(3)} ms a step`;

async function benchRun(
  workers: number,
  { seconds, flags }: BenchRequest,
  torch: FoundPyTorch,
  rows: string,
  context: BenchContext,
): Promise<Omit<BenchedRun, "efficiency">> {
  const title = countOf(workers);
  const job = trainingJob(workers, rows);
  const samplesPerStep = workers * benchModel.batch;
  const run = await measureRun({ job, workers, samplesPerStep, seconds, flags, profiled: true }, context);
  context.log(`${title}: ${rateText(run)}`);
  const pytorch: Partial<Record<DdpVariant, MeasuredDdp>> = {};
  if ("missing" in torch) return { ...run, pytorch };
  const steps = Math.max(leastTorchSteps, Math.round((1000 * seconds) / run.stepMs));
  const warmup = Math.ceil(steps / 5);
  for (const variant of ddpVariants) {
    const asked = { variant, workers, warmup, steps };
    const measured = await ofTorch(measureDdp(torch.python, asked, context), context);
    if (!measured) continue;
    pytorch[variant] = measured;
    context.log(`${title}, PyTorch DDP (${variant}): ${rateText(measured)}`);
  }
  return { ...run, pytorch };
}

async function benchExchanges(
  counts: readonly number[],
  { seconds, flags }: BenchRequest,
  torch: FoundPyTorch,
  rows: string,
  context: BenchContext,
): Promise<BenchedExchange[]> {
  const each = Math.max(leastExchangeSeconds, exchangeShare * seconds);
  // Where there is none, what it would be is not made up: everything went through sockets.
  const ways = openSharedMemory(context.log)
    ? (["shared memory", "sockets"] as const)
    : (["sockets"] as const);
  const exchanges: BenchedExchange[] = [];
  for (const numbers of exchangeNumbers)
    for (const workers of counts) {
      let allReduceMs: number | null | undefined;
      for (const through of ways) {
        const asked = { numbers, workers, through, seconds: each };
        const one = await measureExchange(asked, flags.placement, rows, context);
        if (allReduceMs === undefined && workers > 1 && !("missing" in torch)) {
          const steps = Math.max(leastTorchSteps, one.steps);
          const counted = { numbers, workers, warmup: Math.ceil(steps / 5), steps };
          allReduceMs = (await ofTorch(measureAllReduce(torch.python, counted, context), context)) ?? null;
        }
        exchanges.push({ ...one, allReduceMs: allReduceMs ?? null });
        context.log(
          `exchange of ${formatSize(4 * numbers)}, ${countOf(workers)}, ${through}: ${one.stepMs.toPrecision(3)} ms`,
        );
      }
    }
  return exchanges;
}

/** What PyTorch's processes complain of is told, and all else goes on. */
async function ofTorch<T>(measured: Promise<T>, { signal, log }: BenchContext): Promise<T | undefined> {
  try {
    return await measured;
  } catch (error) {
    signal.throwIfAborted();
    log(`PyTorch failed, this row is left out: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

export const countOf = (workers: number): string => `${workers} ${workers === 1 ? "worker" : "workers"}`;
