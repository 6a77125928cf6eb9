/**
 * What `compression` saves (docs/compression.md): bytes and time of a step, and bytes of a sample in `diloco`.
 *
 *   npm run bench:compression -- [--only loopback,network,diloco] [--steps N] [--out FILE]
 *
 * loopback: two workers and a parameter server on one machine, everything through sockets. network: the second worker is
 * behind a cable of 100 Mbit/s, in a network namespace of its own (needs root and iproute2). diloco: bytes only.
 * Parts that are not measured are taken over from the file.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createCable } from "./cable.mjs";
import { coresInUse, describeMachine } from "./machine.mjs";
import { readLines } from "./measure-latentweave.mjs";
import { median } from "./statistics.mjs";
import { trainTwoWorkers } from "./two-workers.mjs";

const job = fileURLToPath(new URL("./autoencoder.yaml", import.meta.url));
const results = fileURLToPath(new URL("./results/compression.json", import.meta.url));
const int8 = { push: { codec: "int8" }, broadcast: { codec: "int8" } };
const bitsPerSecond = 100_000_000;
const innerSteps = 50;

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
    only: { type: "string", default: "loopback,network,diloco" },
    steps: { type: "string", default: "12" },
    out: { type: "string", default: results },
  },
});
const steps = Number(flags.steps);
const parts = { loopback: measureLoopback, network: measureNetwork, diloco: measureDiloco };
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
    timesFewerBytes:
      (plain.pushedBytes + plain.broadcastBytes) / (compressed.pushedBytes + compressed.broadcastBytes),
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
function measure({ settings, cable }) {
  const env = { LATENTWEAVE_SHARED_MEMORY: "off" };
  return trainTwoWorkers({ job, settings, steps, cable, env, read: summaryOf });
}

function summaryOf(metrics) {
  const rows = readLines(path.join(metrics, "workers.jsonl"));
  const all = readLines(path.join(metrics, "steps.jsonl")).filter(({ workers }) => workers === 2);
  const counted = all.slice(2);
  if (counted.length < 3) throw new Error(`only ${all.length} steps were made by both workers: more --steps`);
  const of = (step, field) =>
    rows.filter((row) => row.step === step).reduce((sum, row) => sum + (row[field] ?? 0), 0);
  const medianOf = (field) => median(counted.map(({ step }) => of(step, field)));
  const cosines = rows.flatMap(({ cosine }) => cosine ?? []);
  return {
    steps: counted.length,
    stepMs: median(counted.map(({ stepMs }) => stepMs)),
    pushedBytes: medianOf("pushedBytes"),
    broadcastBytes: medianOf("broadcastBytes"),
    samples: medianOf("samples"),
    computeMs: medianOf("compute") / 2,
    loss: counted.at(-1).loss.digits,
    ...(cosines.length > 0 && { leastCosine: Math.min(...cosines) }),
  };
}
