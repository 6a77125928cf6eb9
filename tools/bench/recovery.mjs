#!/usr/bin/env node
/**
 * Measures how long a run stands still when a part of it is killed, beside torchrun elastic on the same machine, and
 * writes tools/bench/results/recovery.json.
 *
 *   npm run bench:recovery                     10 of each kind; the result is written
 *   npm run bench:recovery -- --rounds 3       fewer, nothing written
 *   npm run bench:recovery -- --only worker,shard,beside,coordinator,host,stopped,torchrun
 *   npm run bench:recovery -- --no-pytorch     without the comparison;  --python PATH: a Python that has torch and numpy
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { coresInUse, describeMachine, isBusy } from "./machine.mjs";
import { latentweave } from "./own-command.mjs";
import { setUpPyTorch } from "./pytorch-setup.mjs";
import { cases } from "./recovery/cases.mjs";
import { startLiveRun } from "./recovery/live-run.mjs";
import { measureTorchrun } from "./recovery/measure-torchrun.mjs";
import { medianStepMs } from "./recovery/pauses.mjs";
import { median } from "./statistics.mjs";
import { writeFormatted } from "./write-formatted.mjs";

const job = fileURLToPath(new URL("./autoencoder.yaml", import.meta.url));
const workers = 2;
/** Unless the case says otherwise: two shards, in processes of their own. */
const shards = ["--shards", "2"];
const everySteps = 100;
const pointEverySteps = 20;
const resultFile = "tools/bench/results/recovery.json";

const train = (runs, runId, steps, where = shards) => [
  ...[job, "--workers", String(workers), ...where, "--device", "cpu", "--seed", "7"],
  ...["--set", `tasks.digits.slots=${workers}`, "--set", `checkpoints.everySteps=${everySteps}`],
  ...["--set", `recovery.everySteps=${pointEverySteps}`],
  ...["--steps", String(steps), "--runs", runs, "--run-id", runId, "--dashboard", "off"],
];
/** Interrupted when everything is measured. */
const moreStepsThanNeeded = 1_000_000;

async function measureCase(kind, runs, rounds) {
  const runId = `bench-${kind.name}`;
  const run = await startLiveRun(train(runs, runId, moreStepsThanNeeded, kind.where));
  const measured = [];
  try {
    for (let round = 0; round < rounds; round++) {
      await run.settle(workers);
      const directory = path.join(runs, runId);
      measured.push(await kind.measure({ run, runId, directory, round, rounds }));
      console.log(`  ${kind.name} ${round + 1}: ${shown(measured.at(-1))}`);
    }
    await run.settle(workers);
    const stepMs = medianStepMs(run.commits);
    const { step, hash } = await run.interrupt();
    return { measured, stepMs, step, hash };
  } finally {
    run.kill();
  }
}

const shown = (one) =>
  Object.entries(one)
    .map(([name, value]) => `${name} ${Number(value.toFixed(1))}`)
    .join(", ");

/** Each field on its own: median, best and worst of the rounds; what was undone counts together. */
function summarise(measured) {
  const fields = Object.keys(measured[0]).map((name) => {
    const values = measured.map((one) => one[name]);
    if (name === "undone") return [name, values.reduce((sum, value) => sum + value, 0)];
    const edges = { best: Math.min(...values), worst: Math.max(...values), count: values.length };
    return [name, { median: median(values), ...edges }];
  });
  const summary = Object.fromEntries(fields);
  if (summary.recomputed) summary.recomputed.everySteps = pointEverySteps;
  return summary;
}

/** A run that is left alone, up to the same version: its weights, and the record's own word. */
async function proveSameBits(runs, runId, { step, hash }) {
  const [verified, alone] = [
    await latentweave(["verify", runId, "--runs", runs]),
    await latentweave(["train", ...train(runs, `${runId}-alone`, step), "--quiet"]),
  ];
  return { consistent: /^consistent$/m.test(verified), same: alone.trim() === hash };
}

async function measureAndProve(kind, runs, rounds) {
  const { measured, stepMs, ...end } = await measureCase(kind, runs, rounds);
  const summary = summarise(measured);
  const proof = await proveSameBits(runs, `bench-${kind.name}`, end);
  const figure = `${kind.figure(summary)}; ${proofText(proof)}`;
  return {
    figure,
    met: kind.met(summary) && proof.same && proof.consistent,
    stepMs,
    summary,
    proof,
    measured,
  };
}

async function main() {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "10" },
      only: { type: "string", default: [...cases.map(({ name }) => name), "torchrun"].join(",") },
      python: { type: "string" },
      "no-pytorch": { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 1)
    throw new Error("--rounds takes a whole number of 1 or more");
  const only = new Set(values.only.split(","));
  const inUse = await coresInUse();
  const cores = os.availableParallelism();
  if (isBusy(inUse))
    console.log(`other programs use ${inUse.toFixed(1)} of ${cores} cores: these figures will not mean much`);
  const machine = await describeMachine();
  const runs = mkdtempSync(path.join(os.tmpdir(), "latentweave-recovery-"));
  const results = [];
  let torchrun;
  try {
    for (const kind of cases.filter(({ name }) => only.has(name))) {
      console.log(`${kind.title} (${kind.bar})`);
      const result = await measureAndProve(kind, runs, rounds).catch(({ message }) => ({ failed: message }));
      const { name, title, bar } = kind;
      const figure = result.failed === undefined ? result.figure : `failed: ${result.failed.split("\n")[0]}`;
      results.push({ name, title, bar, ...result, figure, met: result.met === true });
      console.log(`  ${result.met ? "✓" : "✗"} ${result.failed ?? figure}`);
    }
    if (only.has("torchrun") && !values["no-pytorch"]) torchrun = await besideTorchrun(values.python, rounds);
  } finally {
    rmSync(runs, { recursive: true, force: true });
  }
  console.log(`\n${table(results, torchrun)}`);
  process.exitCode = results.every(({ met }) => met) ? 0 : 1;
  if (rounds < 10 || results.length < cases.length) return;
  const result = {
    machine,
    inUse,
    rounds,
    workers,
    everySteps,
    pointEverySteps,
    results,
    torchrun: torchrun ?? null,
  };
  await writeFormatted(resultFile, JSON.stringify(result));
}

const proofText = ({ same, consistent }) =>
  `${same ? "the hash of a run left alone" : "ANOTHER HASH than a run left alone"}, the record is ${consistent ? "consistent" : "NOT CONSISTENT"}`;

async function besideTorchrun(asked, rounds) {
  const torch = await setUpPyTorch({ asked, log: console.log });
  if (torch.missing !== undefined) {
    console.log(`without torchrun: ${torch.missing}`);
    return undefined;
  }
  console.log(`torchrun elastic, PyTorch ${torch.torch}: a worker is killed`);
  const onRound = (one) => console.log(`  torchrun: ${shown(one)}`);
  const measured = await measureTorchrun({ python: torch.python, workers, rounds, everySteps, onRound });
  return { torch: torch.torch, summary: summarise(measured), measured };
}

function table(results, torchrun) {
  const rows = results.map(({ title, bar, figure, met }) => [title, bar, figure, met ? "yes" : "NO"]);
  if (torchrun) {
    const { ms, firstMs, recomputed } = torchrun.summary;
    const text = (field) =>
      `${(field.median / 1000).toFixed(2)} s [${(field.best / 1000).toFixed(2)}–${(field.worst / 1000).toFixed(2)}]`;
    rows.push([
      "torchrun elastic: a worker is killed",
      "to compare with",
      `first step again after ${text(firstMs)}, ${recomputed.median} steps made again, a new step after ${text(ms)}`,
      "–",
    ]);
  }
  return [
    "| what | bar | figure | met |",
    "| --- | --- | --- | --- |",
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
  ].join("\n");
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
