/**
 * What `compression` saves (docs/compression.md): bytes and time of a step, and bytes of a sample in `diloco`.
 *
 *   npm run bench:compression -- [--only loopback,network,diloco] [--steps N] [--out FILE]
 *
 * loopback: two workers and a parameter server on one machine, everything through sockets. network: the second worker is
 * behind a cable of 100 Mbit/s, in a network namespace of its own (needs root and iproute2). diloco: bytes only.
 * Parts that are not measured are taken over from the file.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { coresInUse, describeMachine } from "./machine.mjs";
import { readLines } from "./measure-latentweave.mjs";
import { commandFile, run } from "./own-command.mjs";
import { median } from "./statistics.mjs";

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
  const cable = createCable();
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
 * Two workers, a slot each. @param cable where the second one is behind it
 * @returns medians of a step over those with both workers, but for the first two
 */
async function measure({ settings, cable }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
  const env = { ...process.env, LATENTWEAVE_SHARED_MEMORY: "off" };
  const main = await commandFile();
  const train = [
    ...["train", job, "--workers", cable ? "1" : "2", "--set", "tasks.digits.slots=2", ...settings],
    ...["--steps", String(steps), "--seed", "7", "--device", "cpu", "--quiet"],
    ...["--run-id", "bench", "--runs", folder],
  ];
  try {
    if (cable) {
      const token = "bench";
      const served = ["--host", cable.near.address, "--dashboard", "8787", "--token", token];
      const near = cable.near.prefix;
      const far = cable.far.prefix;
      await Promise.all([
        run(near[0], [...near.slice(1), process.execPath, main, ...train, ...served], env),
        run(
          far[0],
          [
            ...far.slice(1),
            process.execPath,
            main,
            "join",
            `http://${cable.near.address}:8787`,
            "--token",
            token,
          ],
          env,
        ),
      ]);
    } else await run(process.execPath, [main, ...train, "--dashboard", "off"], env);
    return summaryOf(path.join(folder, "bench", "metrics"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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

/** Two network namespaces and a cable of `bitsPerSecond` between them, each way. */
function createCable() {
  const tag = `lwb${process.pid % 10_000}`;
  const ip = (...args) => execFileSync("ip", args);
  const end = (side, address) => ({
    name: `${tag}${side}`,
    cable: `${tag}v${side}`,
    address,
    prefix: ["ip", "netns", "exec", `${tag}${side}`],
  });
  const net = `10.${100 + (process.pid % 100)}.77`;
  const [near, far] = [end("a", `${net}.1`), end("b", `${net}.2`)];
  for (const { name } of [near, far]) ip("netns", "add", name);
  ip(
    ...["link", "add", near.cable, "netns", near.name],
    ...["type", "veth", "peer", "name", far.cable, "netns", far.name],
  );
  for (const { name, cable, address } of [near, far]) {
    ip("-n", name, "addr", "add", `${address}/24`, "dev", cable);
    ip("-n", name, "link", "set", "lo", "up");
    ip("-n", name, "link", "set", cable, "up");
    const rate = ["rate", `${bitsPerSecond}bit`, "burst", "128kb", "latency", "50ms"];
    execFileSync("tc", ["-n", name, "qdisc", "add", "dev", cable, "root", "tbf", ...rate]);
  }
  return {
    near,
    far,
    down() {
      for (const { name } of [near, far]) ip("netns", "del", name);
    },
  };
}
