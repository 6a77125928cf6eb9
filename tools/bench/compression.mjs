/**
 * What `compression` saves (docs/compression.md): bytes and time of a step, and bytes of a sample in `diloco`.
 *
 *   npm run bench:compression -- [--only PART,PART] [--steps N] [--python FILE] [--out FILE]
 *
 * loopback: two workers and a parameter server on one machine, everything through sockets. network: the second worker is
 * behind a cable of 100 Mbit/s, in a network namespace of its own (needs root and iproute2). uncompressed, topk: the same
 * with plain steps, without compression and with top-k both ways. ddp: PyTorch's DDP with its fp16 hook across the same
 * cable. auto: what is chosen across it. loss, lossLarge: held-out losses with and without top-k, of 837,424 and of 26,815,688 parameters. diloco: bytes.
 * dilocoLoss: held-out losses at the same number of samples.
 * Parts that are not measured are taken over from the file.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createCable } from "./cable.mjs";
import { coresInUse, describeMachine } from "./machine.mjs";
import { readLines } from "./measure-latentweave.mjs";
import { findImages, measurePyTorch } from "./measure-pytorch.mjs";
import { setUpPyTorch } from "./pytorch-setup.mjs";
import { median } from "./statistics.mjs";
import { trainTwoWorkers } from "./two-workers.mjs";

const job = fileURLToPath(new URL("./autoencoder.yaml", import.meta.url));
const results = fileURLToPath(new URL("./results/compression.json", import.meta.url));
const int8 = { push: { codec: "int8" }, broadcast: { codec: "int8" } };
const bitsPerSecond = 100_000_000;
const innerSteps = 50;
/** Sums of gradients are linear in what is sent, and so is a plain step: then what comes late comes in full. */
const sgd = { kind: "sgd", learningRate: 2 };
const topk = {
  push: { codec: "topk", share: 0.05 },
  // A step changes what any of the two workers has sent, and nothing else.
  broadcast: { codec: "topk", share: 0.1 },
  sameBits: false,
};

/** 784-4096-2488-4096-784: 26,815,688 parameters. */
const large = {
  encoder: [
    { kind: "dense", units: 4096, activation: "relu" },
    { kind: "dense", units: 2488, activation: "relu" },
  ],
  decoder: [
    { kind: "dense", units: 4096, activation: "relu" },
    { kind: "dense", units: 784, activation: "sigmoid" },
  ],
};

const { values: flags } = parseArgs({
  options: {
    only: {
      type: "string",
      default: "loopback,network,uncompressed,topk,auto,ddp,loss,lossLarge,diloco,dilocoLoss",
    },
    python: { type: "string" },
    steps: { type: "string", default: "12" },
    out: { type: "string", default: results },
  },
});
const steps = Number(flags.steps);
const parts = {
  loopback: measureLoopback,
  network: measureNetwork,
  uncompressed: measureUncompressed,
  topk: measureTopK,
  auto: measureAuto,
  ddp: measureDdp,
  loss: measureLoss,
  lossLarge: measureLossLarge,
  diloco: measureDiloco,
  dilocoLoss: measureDilocoLoss,
};
const report = existsSync(flags.out) ? JSON.parse(readFileSync(flags.out, "utf8")) : {};
for (const name of flags.only.split(",")) {
  if (!(name in parts)) throw new Error(`there is no part "${name}": ${Object.keys(parts).join(", ")}`);
  const inUse = await coresInUse();
  report[name] = { machine: await describeMachine(), coresInUse: inUse, ...(await parts[name]()) };
  writeFileSync(flags.out, `${JSON.stringify(report, null, 2)}\n`);
  console.log(name, JSON.stringify(report[name], null, 2));
}

async function measureLoopback() {
  const plain = await measure({ settings: largeSettings(null), prefix: [] });
  const compressed = await measure({ settings: largeSettings(int8), prefix: [] });
  return compared(plain, compressed);
}

async function measureNetwork() {
  const cable = createCable(bitsPerSecond);
  try {
    const plain = await measure({ settings: largeSettings(null), cable });
    const compressed = await measure({ settings: largeSettings(int8), cable });
    return { bitsPerSecond, ...compared(plain, compressed) };
  } finally {
    cable.down();
  }
}

/** Without compression, across the cable, with the optimiser that top-k is measured with. */
async function measureUncompressed() {
  return across([...largeSettings(null), ...optimisedBy(sgd)], steps);
}

async function measureTopK() {
  // Whoever joins across the cable gets whole weights first: by then the other has made steps by itself.
  const own = await across([...largeSettings(topk), ...optimisedBy(sgd)], 4 * steps);
  const { uncompressed } = report;
  return {
    ...{ compression: topk, ...own },
    ...(uncompressed && {
      timesFaster: uncompressed.stepMs / own.stepMs,
      timesFewerBytes: bytesOf(uncompressed) / bytesOf(own),
    }),
  };
}

/** What the choice that is made on the way comes to across the cable. */
async function measureAuto() {
  const settings = [...largeSettings({ auto: true, sameBits: false }), ...optimisedBy(sgd)];
  return across(settings, 4 * steps);
}

async function across(settings, count) {
  const cable = createCable(bitsPerSecond);
  try {
    return { bitsPerSecond, optimiser: sgd, ...(await measure({ settings, cable, steps: count })) };
  } finally {
    cable.down();
  }
}

/** Two ranks, one at each end of the cable; gradients travel as halves by DDP's own hook. */
async function measureDdp() {
  const found = await setUpPyTorch({ asked: flags.python, log: console.log });
  if (found.missing !== undefined) return { missing: found.missing };
  const images = await findImages();
  const cable = createCable(bitsPerSecond);
  try {
    const fp16 = await measurePyTorch({
      ...{ python: found.python, images, workers: 2, variant: "tuned", batch: 64, warmup: 2, steps: 8 },
      ...{ widths: [784, 4096, 2488, 4096, 784], hook: "fp16", optimiser: "sgd" },
      ends: [cable.near, cable.far],
    });
    const own = report.topk?.stepMs;
    return { bitsPerSecond, fp16, ...(own !== undefined && { timesSlowerThanTopK: fp16.stepMs / own }) };
  } finally {
    cable.down();
  }
}

/** Held-out losses at the same number of samples, of the job as it is and of the large one; nothing here depends on time. */
async function measureLoss() {
  return lossesOf(["--set", "tasks.digits.microBatch=64"], { kind: "sgd", learningRate: 8 }, 1000);
}

async function measureLossLarge() {
  return lossesOf(largeSettings(null), sgd, 1000);
}

async function lossesOf(settings, optimiser, count) {
  const common = [
    ...[...settings, ...optimisedBy(optimiser), ...evaluatedEvery(count / 4)],
    ...["--set", `schedule=${JSON.stringify({ kind: "cosine", warmupSteps: 10 })}`],
  ];
  const plain = await lossOf(common, count);
  const own = await lossOf([...common, "--set", `compression=${JSON.stringify(topk)}`], count);
  return { optimiser, compression: topk, plain, topk: own, ratio: own.loss / plain.loss };
}

/** The same for `diloco`: as many samples in fewer, longer steps. */
async function measureDilocoLoss() {
  const outerSteps = 40;
  const common = ["--set", "tasks.digits.microBatch=64"];
  const sync = await lossOf([...common, ...evaluatedEvery(500)], outerSteps * innerSteps);
  const mode = { kind: "diloco", innerSteps };
  const diloco = await lossOf(
    [
      ...common,
      ...["--set", `mode=${JSON.stringify(mode)}`, "--set", `compression=${JSON.stringify(int8)}`],
      ...evaluatedEvery(10),
    ],
    outerSteps,
  );
  return { mode, sync, diloco, ratio: diloco.loss / sync.loss };
}

function lossOf(settings, count) {
  return trainTwoWorkers({
    ...{ job, settings, steps: count },
    read(metrics) {
      const curve = readLines(path.join(metrics, "steps.jsonl")).flatMap(({ step, evaluation }) =>
        evaluation?.digits === undefined ? [] : [{ step, loss: evaluation.digits.loss }],
      );
      return { steps: count, loss: curve.at(-1).loss, curve };
    },
  });
}

function evaluatedEvery(everySteps) {
  return ["--set", `evaluate=${JSON.stringify({ everySteps, split: "test", microBatch: 500 })}`];
}

function optimisedBy(optimiser) {
  return ["--set", `optimiser=${JSON.stringify(optimiser)}`];
}

function bytesOf({ pushedBytes, broadcastBytes }) {
  return pushedBytes + broadcastBytes;
}

/** Bytes that pass between workers and parameter server for each sample, `diloco` with int8 against `sync` without. */
async function measureDiloco() {
  const settings = (mode, compression) => [
    ...["--set", `mode=${JSON.stringify(mode)}`, "--set", `compression=${JSON.stringify(compression)}`],
    ...["--set", "tasks.digits.microBatch=64"],
  ];
  const sync = await measure({ settings: settings({ kind: "sync" }, {}) });
  const diloco = await measure({ settings: settings({ kind: "diloco", innerSteps }, int8) });
  const perSample = ({ pushedBytes, broadcastBytes, samples }) => (pushedBytes + broadcastBytes) / samples;
  return { innerSteps, sync, diloco, share: perSample(diloco) / perSample(sync) };
}

function compared(plain, compressed) {
  return {
    plain,
    int8: compressed,
    timesFaster: plain.stepMs / compressed.stepMs,
    timesFewerBytes: bytesOf(plain) / bytesOf(compressed),
  };
}

function largeSettings(compression) {
  return [
    ...["--set", `tasks.digits.encoder=${JSON.stringify(large.encoder)}`],
    ...["--set", `tasks.digits.decoder=${JSON.stringify(large.decoder)}`],
    ...["--set", "tasks.digits.microBatch=64"],
    ...(compression ? ["--set", `compression=${JSON.stringify(compression)}`] : []),
  ];
}

/**
 * @param cable where the second worker is behind it
 * @returns medians of a step over those with both workers, but for the first two
 */
function measure({ settings, cable, steps: count = steps }) {
  const env = { LATENTWEAVE_SHARED_MEMORY: "off" };
  return trainTwoWorkers({ job, settings, steps: count, cable, env, read: summaryOf });
}

/** What every process has sent a step with, where that was left to it. */
function codecsOf(rows, at) {
  const chosen = rows.filter(({ step, codec }) => step === at && codec !== undefined);
  return chosen.map(({ process: name, codec }) => `${name} ${codec}`).join(", ");
}

function summaryOf(metrics) {
  const rows = readLines(path.join(metrics, "workers.jsonl"));
  const all = readLines(path.join(metrics, "steps.jsonl")).filter(({ workers }) => workers === 2);
  const counted = all.slice(2);
  if (counted.length < 3) throw new Error(`only ${all.length} steps were made by both workers: more --steps`);
  const of = (step, field) =>
    rows.filter((row) => row.step === step).reduce((sum, row) => sum + (row[field] ?? 0), 0);
  const medianOf = (field) => median(counted.map(({ step }) => of(step, field)));
  const codecs = counted.map(({ step }) => codecsOf(rows, step));
  const cosines = rows.flatMap(({ cosine }) => cosine ?? []);
  return {
    steps: counted.length,
    stepMs: median(counted.map(({ stepMs }) => stepMs)),
    pushedBytes: medianOf("pushedBytes"),
    broadcastBytes: medianOf("broadcastBytes"),
    samples: medianOf("samples"),
    computeMs: medianOf("compute") / 2,
    loss: counted.at(-1).loss.digits,
    ...(codecs.at(-1) !== "" && { codecs }),
    ...(cosines.length > 0 && { leastCosine: Math.min(...cosines) }),
  };
}
