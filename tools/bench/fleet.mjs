#!/usr/bin/env node
/**
 * A thousand workers against one coordinator and one parameter server, as real WebSocket clients:
 *
 *   npm run bench:fleet                    everything; tools/bench/results/fleet.json is written
 *   npm run bench:fleet -- --quick         a hundred workers for ten seconds, nothing written
 *   npm run bench:fleet -- --only churn    or barrier; nothing written
 *   npm run bench:fleet -- --profile DIR   with CPU profiles of every process, which costs some time itself
 *
 * Prints each figure beside its bar, and exits with 1 where one is missed.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { measureBarrier } from "./fleet/barrier.mjs";
import { bundleFleet } from "./fleet/bundle.mjs";
import { measureChurn } from "./fleet/churn.mjs";
import { coresInUse, describeMachine } from "./machine.mjs";
import { root } from "./own-command.mjs";

const bars = { bytes: 500 * 1024 * 1024, heartbeatMs: 250, ratio: 1.5 };

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    workers: { type: "string" },
    seconds: { type: "string" },
    processes: { type: "string", default: "4" },
    share: { type: "string", default: "0.1" },
    steps: { type: "string", default: "20" },
    rounds: { type: "string" },
    profile: { type: "string" },
  },
});
const workers = Number(values.workers ?? (values.quick ? 100 : 1000));
const seconds = Number(values.seconds ?? (values.quick ? 10 : 60));
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
const say = (line) => console.log(`  ${line}`);
const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-fleet-"));
const inUse = await coresInUse();
const result = {};
try {
  const bundles = await bundleFleet(path.join(folder, "bundles"));
  const shared = { bundles, workers, processes: Number(values.processes), profile: values.profile, say };
  if (values.only !== "barrier") {
    console.log("coming and going");
    result.churn = await measureChurn({
      ...{ ...shared, folder: path.join(folder, "churn"), seconds, share: Number(values.share) },
    });
  }
  if (values.only !== "churn") {
    console.log("a step's barrier");
    result.barrier = await measureBarrier({
      ...{ ...shared, folder: path.join(folder, "barrier"), steps: Number(values.steps), rounds },
    });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const lines = [...churnLines(result.churn), ...barrierLines(result.barrier)];
console.log("\n| what | figure | bar | met |\n| --- | --- | --- | --- |");
for (const { what, figure, bar, met } of lines)
  console.log(`| ${what} | ${figure} | ${bar} | ${met ? "yes" : "NO"} |`);
if (!values.quick && values.only === undefined) {
  const file = path.join(root, "tools/bench/results/fleet.json");
  mkdirSync(path.dirname(file), { recursive: true });
  const machine = await describeMachine();
  writeFileSync(file, `${JSON.stringify({ machine, inUse, bars, ...result, lines }, rounded, 2)}\n`);
}
process.exitCode = lines.every(({ met }) => met) ? 0 : 1;

function churnLines(churn) {
  if (churn === undefined) return [];
  const mebibytes = (bytes) => `${Math.round(bytes / 1024 ** 2)} MiB`;
  const { left, cut, joined, failed, steps, commits, lost, doubled, heartbeats, crowdedHeartbeats } = churn;
  return [
    {
      what: `micro-batches lost or doubled in ${commits} commits, ${left + cut} workers gone and ${joined} come`,
      ...{ figure: `${lost} and ${doubled}`, bar: "0 and 0" },
      met: lost === 0 && doubled === 0 && steps > 0 && failed === 0,
    },
    ...Object.entries(churn.memory).map(([name, { peakBytes }]) => ({
      what: `memory of the ${name}, at most`,
      ...{ figure: mebibytes(peakBytes), bar: `< ${mebibytes(bars.bytes)}`, met: peakBytes < bars.bytes },
    })),
    {
      what: `99 of 100 of ${heartbeats.answers} heartbeats of a worker with a process of its own answered within (of ${crowdedHeartbeats.answers} of all others, hundreds to a process: ${Math.round(crowdedHeartbeats.p99Ms)} ms)`,
      figure: `${Math.round(heartbeats.p99Ms)} ms`,
      bar: `${bars.heartbeatMs} ms`,
      met: heartbeats.p99Ms <= bars.heartbeatMs,
    },
  ];
}

function barrierLines(barrier) {
  if (barrier === undefined) return [];
  const { runMs, bareMs, bareSmallMs, contributionBytes, ratio } = barrier;
  const kibibytes = (contributionBytes / 1024).toFixed(1);
  return [
    {
      what: `a step of ${workers} × ${kibibytes} KiB both ways, beside a bare ws server (${Math.round(bareMs)} ms; ${Math.round(bareSmallMs)} ms where it answers with 8 bytes)`,
      figure: `${Math.round(runMs)} ms, ${ratio.toFixed(2)} times`,
      bar: `${bars.ratio} times`,
      met: ratio <= bars.ratio,
    },
  ];
}

function rounded(_, value) {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}
