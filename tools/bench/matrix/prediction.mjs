/**
 * The time of a step from what its parts cost alone (predictStep of libs/foundation/telemetry), beside steps as they are.
 * Costs of moving and summing come from steps that compute nothing, those of computing from computations without
 * anything else; no training step has a part in them.
 */
import { readFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { importSources } from "../../build/bundle-sources.mjs";
import { createCable } from "../cable.mjs";
import { measureLatentweave, readLines } from "../measure-latentweave.mjs";
import { median } from "../statistics.mjs";
import { trainTwoWorkers } from "../two-workers.mjs";
import { smallWarmupSteps, warmupSteps } from "../warm-up.mjs";
import { large, medium, placements, standard, widthSettings } from "./ddp-rows.mjs";
import { measureCompute } from "./measure-compute.mjs";
import { measureExchange } from "./measure-exchange.mjs";
import { predictionChart } from "./prediction-chart.mjs";
import { table } from "../table.mjs";

const job = fileURLToPath(new URL("../autoencoder.yaml", import.meta.url));
const gpuResults = new URL("../results/gpu.json", import.meta.url);
const mostError = 0.15;
const cores = os.availableParallelism();
const adam = ["--set", 'optimiser={"kind":"adam","learningRate":0.001}'];
const socketsOnly = { LATENTWEAVE_SHARED_MEMORY: "off" };
const shardsOf = (placement, workers) => (placement === "beside" ? workers : 1);

/** Both sides warm up: parts as V8 runs them once it has compiled them say nothing of a run's first steps. */
const exchangeSizes = [
  { numbers: 1_024, warmup: smallWarmupSteps, steps: 1_000 },
  { numbers: 262_144, warmup: warmupSteps, steps: 400 },
  { numbers: 4_194_304, warmup: 200, steps: 60 },
  { numbers: 26_214_400, warmup: 30, steps: 15 },
];
const models = {
  "0.84 M": { widths: standard, warmup: warmupSteps, steps: 150 },
  "3.3 M": medium,
  "26.8 M": large,
};

/** Of a dense model: weights and biases. */
const numbersOf = (model) =>
  models[model].widths.reduce((sum, outputs, i, all) => sum + (i > 0 && (all[i - 1] + 1) * outputs), 0);

const memoryPlaces = [
  { workers: 1, placement: "dedicated" },
  { workers: 2, placement: "dedicated" },
  { workers: 2, placement: "beside" },
  { workers: 4, placement: "dedicated" },
  { workers: 4, placement: "beside" },
];
const socketPlaces = memoryPlaces.filter(
  ({ placement, workers }) => placement === "dedicated" && workers <= 2,
);

const trainings = [
  { model: "0.84 M", workers: 1, placement: "dedicated" },
  { model: "0.84 M", workers: 2, placement: "dedicated" },
  { model: "0.84 M", workers: 2, placement: "beside" },
  { model: "0.84 M", workers: 4, placement: "beside" },
  { model: "3.3 M", workers: 2, placement: "beside" },
  { model: "3.3 M", workers: 4, placement: "beside" },
  { model: "26.8 M", workers: 1, placement: "dedicated" },
  { model: "26.8 M", workers: 2, placement: "beside" },
];
const cables = [
  { model: "0.84 M", bitsPerSecond: 1e8, steps: 15 },
  { model: "3.3 M", bitsPerSecond: 1e8, steps: 8 },
  { model: "0.84 M", bitsPerSecond: 1e9, steps: 60 },
  { model: "3.3 M", bitsPerSecond: 1e9, steps: 25 },
  { model: "26.8 M", bitsPerSecond: 1e9, steps: 8 },
];

/** A computation alone is one call of TensorFlow's: there is little to compile. */
const mostComputeWarmup = 100;

/** What is said of machines that were not there: 25 Gbit/s, half a tenth of a millisecond. */
const beyond = { hosts: [1, 2, 4, 8], bitsPerSecond: 25e9, latencyMs: 0.05 };

export async function measurePrediction(_, { say }) {
  const exchanges = {
    memory: await exchange(memoryPlaces, {}, say),
    sockets: await exchange(socketPlaces, socketsOnly, say),
  };
  const compute = await computeAlone(say);
  const points = [...(await train(say)), ...(await trainOverCables(say))];
  return { rounds: 1, cores, exchanges, compute, points, ...(await predict(exchanges, compute, points)) };
}

async function exchange(places, env, say) {
  const points = [];
  for (const size of exchangeSizes)
    for (const { workers, placement } of places) {
      const settings = [...adam, ...placements[placement]];
      const { stepMs } = await measureExchange({ ...size, workers, settings, env });
      points.push({
        numbers: size.numbers,
        workers,
        shards: shardsOf(placement, workers),
        cores,
        ms: stepMs,
      });
      say(
        `exchange of ${size.numbers} numbers, ${workers} workers, ${placement}: ${stepMs.toPrecision(3)} ms`,
      );
    }
  return points;
}

/** Of one process, and the slowest of as many at once as there are cores: a step waits for all of them. */
async function computeAlone(say) {
  const result = {};
  for (const [name, { widths, warmup, steps }] of Object.entries(models)) {
    result[name] = {};
    for (const processes of new Set([1, cores])) {
      const { slowestMs } = await measureCompute({
        ...{
          job,
          task: "digits",
          samples: 256,
          warmup: Math.min(warmup, mostComputeWarmup),
          steps,
          processes,
        },
        settings: widthSettings(widths),
      });
      result[name][processes] = slowestMs;
      say(`compute of ${name}, the slowest of ${processes} at once: ${slowestMs.toPrecision(3)} ms`);
    }
  }
  return result;
}

async function train(say) {
  const points = [];
  for (const { model, workers, placement } of trainings) {
    const { widths, warmup, steps } = models[model];
    const settings = [...widthSettings(widths), ...placements[placement]];
    const { stepMs } = await measureLatentweave({ workers, warmup, steps, settings });
    points.push({ model, workers, placement, ms: stepMs });
    say(`${model}, ${workers} workers, ${placement}: ${stepMs.toPrecision(3)} ms a step`);
  }
  return points;
}

/** Medians of steps with both workers, but for the first two. */
async function trainOverCables(say) {
  const points = [];
  for (const { model, bitsPerSecond, steps } of cables) {
    const cable = createCable(bitsPerSecond);
    try {
      const ms = await trainTwoWorkers({
        ...{ job, cable, steps: steps + 4, env: socketsOnly, settings: widthSettings(models[model].widths) },
        read(metrics) {
          const both = readLines(`${metrics}/steps.jsonl`).filter(({ workers }) => workers === 2);
          return median(both.slice(2).map(({ stepMs }) => stepMs));
        },
      });
      points.push({ model, workers: 2, placement: "dedicated", bitsPerSecond, ms });
      say(`${model}, one of 2 workers behind ${bitsPerSecond / 1e6} Mbit/s: ${ms.toPrecision(3)} ms a step`);
    } finally {
      cable.down();
    }
  }
  return points;
}

async function predict(exchanges, compute, points) {
  const { fitCosts, predictStep } = await importSources(
    `export { fitCosts, predictStep } from "@latentweave/telemetry";`,
  );
  const costs = { memory: fitCosts(exchanges.memory), sockets: fitCosts(exchanges.sockets) };
  const predicted = points.map((point) => {
    const { model, workers, placement, bitsPerSecond } = point;
    const shape = { numbers: numbersOf(model), workers, shards: shardsOf(placement, workers), cores };
    // Both ends of the cable are on this machine, and share its cores.
    const link = bitsPerSecond && { bitsPerSecond, latencyMs: 0, kind: { farWorkers: 1 } };
    const computeMs = compute[model][Math.min(workers, cores)];
    const { totalMs } = predictStep(
      bitsPerSecond ? costs.sockets : costs.memory,
      { ...shape, ...(link && { link }) },
      computeMs,
    );
    return { ...point, predictedMs: totalMs, error: totalMs / point.ms - 1 };
  });
  return { costs, points: predicted, beyond: predictBeyond(predictStep, costs.sockets) };
}

/** Hosts with a GPU and a shard each; the computation as it was measured on the one GPU that there was. */
function predictBeyond(predictStep, costs) {
  const { nvidia, profile } = JSON.parse(readFileSync(gpuResults, "utf8"));
  const [device] = nvidia.devices.map((text) => text.split(",")[1].trim());
  const curves = profile
    .filter(({ placement }) => placement === "dedicated")
    .map(({ batch, processes }) => {
      const { compute, "read-back": readBack } = processes["worker-0"];
      const computeMs = compute + readBack;
      const steps = beyond.hosts.map((hosts) => {
        const shape = { numbers: numbersOf("0.84 M"), workers: hosts, shards: hosts, cores: 16, hosts };
        const link = { bitsPerSecond: beyond.bitsPerSecond, latencyMs: beyond.latencyMs, kind: "mesh" };
        const { totalMs } = predictStep(costs, hosts === 1 ? shape : { ...shape, link }, computeMs);
        return { hosts, totalMs, samplesPerSecond: (1000 * hosts * batch) / totalMs };
      });
      return { batch, computeMs, steps };
    });
  return { device, ...beyond, curves };
}

const largestError = (points) => Math.max(...points.map(({ error }) => Math.abs(error)));
const percent = (share) => `${share > 0 ? "+" : ""}${Math.round(100 * share)} %`;

export function judgedPrediction(_, { points }) {
  const worst = largestError(points);
  const within = points.filter(({ error }) => Math.abs(error) <= mostError).length;
  return [
    {
      what: `largest error of ${points.length} steps (${within} are within the bar)`,
      ...{
        figure: `**${Math.round(100 * worst)} %**`,
        bar: `≤ ${100 * mostError} %`,
        isMet: worst <= mostError,
      },
    },
  ];
}

const whereText = ({ model, workers, placement, bitsPerSecond }) =>
  bitsPerSecond
    ? `${model}, one of 2 workers behind ${bitsPerSecond / 1e6} Mbit/s`
    : `${model}, ${workers} ${workers === 1 ? "worker" : "workers"}, ${placement}`;

export function predictionText(one, result) {
  const { points, beyond: far } = result;
  const rows = points.map((point) => [
    whereText(point),
    point.ms.toPrecision(3),
    point.predictedMs.toPrecision(3),
    percent(point.error),
  ]);
  const farRows = far.curves.map(({ batch, steps }) => [
    `${batch} samples each`,
    ...steps.map(({ samplesPerSecond }) => Math.round(samplesPerSecond).toLocaleString("en-US")),
  ]);
  const [{ what, figure, bar, isMet }] = judgedPrediction(one, result);
  const error = Math.round(100 * largestError(points));
  return `${table([one.title, "measured, ms", "predicted, ms", "error"], rows)}

${what}: ${figure}, bar ${bar}: ${isMet ? "met" : "**missed**"}.

**A prediction, not a measurement**: hosts with one GPU and one shard each, ${far.bitsPerSecond / 1e9} Gbit/s and ${far.latencyMs} ms between them, the model with 0.84 M parameters, computing as fast as on the ${far.device} that was measured (an H100 is not faster), moving and summing as on this machine through sockets. Samples/s, give or take the ${error} % above:

${table(["hosts", ...far.hosts.map(String)], farRows)}

![Predicted beside measured steps](media/prediction.svg)`;
}

/** @returns {Record<string, string>} files below docs/media */
export const predictionPictures = (result) => ({ "prediction.svg": predictionChart(result, mostError) });
