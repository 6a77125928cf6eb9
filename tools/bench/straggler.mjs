#!/usr/bin/env node
/**
 * Measures what a run of four workers keeps of its speed when one of them becomes ten times slower.
 *
 *   npm run bench:straggler                    tools/bench/results/straggler.json is written
 *   npm run bench:straggler -- --steps 120     fewer steps, nothing written
 *
 * Capacity: each worker waits before every micro-batch while its process runs, so that what a worker can do does not
 * depend on how many cores four of them share. Of four such workers one is let run (SIGSTOP, SIGCONT) for a tenth of the
 * time: 3.1 of 4 workers are left. All steps from the moment of the slowing on are counted, those before the leases have
 * followed too.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startCluster } from "./fleet/cluster.mjs";
import { coresInUse, describeMachine, isBusy } from "./machine.mjs";
import { readLines } from "./measure-latentweave.mjs";
import { commandFile, latentweave } from "./own-command.mjs";
import { median } from "./statistics.mjs";
import { writeFormatted } from "./write-formatted.mjs";

const job = fileURLToPath(new URL("./straggler.yaml", import.meta.url));
const resultFile = "tools/bench/results/straggler.json";
const workers = 4;
const pauseMs = 20;
/** Every 50 ms it runs for 5. */
const [runsMs, periodMs] = [5, 50];
const slowedShare = runsMs / periodMs;
const capacity = (workers - 1 + slowedShare) / workers;
const leastShare = 0.9;
const warmupSteps = 20;
const healthySteps = 40;
const lookMs = 5;

/** Lets a process run for a tenth of the time. @returns what lets it run again */
function slowDown(pid) {
  const send = (signal) => {
    try {
      process.kill(pid, signal);
    } catch {
      clearInterval(timer); // the run is over, and it has ended
    }
  };
  const timer = setInterval(() => {
    send("SIGCONT");
    setTimeout(() => send("SIGSTOP"), runsMs);
  }, periodMs);
  return () => {
    clearInterval(timer);
    // After a stop that is still to come.
    setTimeout(() => send("SIGCONT"), 2 * runsMs);
  };
}

async function measure(scratch, { name, spec, flags, steps }) {
  const folder = path.join(scratch, name);
  mkdirSync(path.join(folder, "logs"), { recursive: true });
  const cluster = await startCluster({ folder, spec, workers, flags });
  const main = await commandFile();
  const children = Array.from({ length: workers }, (_, index) => {
    const log = openSync(path.join(folder, "logs", `worker-${index}.log`), "w");
    const args = [
      "worker",
      "--coordinator",
      cluster.url,
      "--worker-id",
      `worker-${index}`,
      "--device",
      "cpu",
    ];
    return spawn(process.execPath, [main, ...args, "--pause-ms", String(pauseMs)], {
      stdio: ["ignore", log, log],
    });
  });
  const gone = children.map((child) => new Promise((resolve) => child.once("close", resolve)));
  let release;
  try {
    const record = path.join(folder, "metrics", "steps.jsonl");
    const commits = () => readLines(record);
    const reached = async (step) => {
      for (;;) {
        const snapshot = await cluster.snapshot();
        if (snapshot.state === "failed") throw new Error(`the run failed: ${snapshot.reason}`);
        if (snapshot.step >= step) return;
        await wait(lookMs);
      }
    };
    await reached(warmupSteps + healthySteps);
    const slowedAtMs = Date.now();
    release = slowDown(children.at(-1).pid);
    await cluster.ended();
    release();
    await Promise.all(gone);
    const all = commits().filter(({ step }) => step < steps);
    const slowed = all.findIndex(({ atMs }) => atMs > slowedAtMs);
    return {
      healthyMs: stepMs(all.slice(warmupSteps, slowed)),
      slowedMs: (all.at(-1).atMs - slowedAtMs) / (all.length - slowed),
      settledMs: median(pauses(all.slice(-Math.floor((all.length - slowed) / 2)))),
      slowedSteps: all.length - slowed,
      samples: reported(folder, all[slowed].step),
      hash: (await latentweave(["hash", name, "--runs", scratch])).trim(),
      events: readLines(path.join(folder, "metrics", "events.jsonl"))
        .filter(({ atMs }) => atMs > slowedAtMs)
        .map(({ atMs, text }) => ({ afterMs: atMs - slowedAtMs, text })),
    };
  } finally {
    release?.();
    for (const child of children) child.kill("SIGKILL");
    await cluster.kill();
  }
}

const pauses = (commits) => commits.slice(1).map(({ atMs }, place) => atMs - commits[place].atMs);
const stepMs = (commits) => (commits.at(-1).atMs - commits[0].atMs) / (commits.length - 1);

/** Milliseconds a micro-batch, of the slowed worker and of the others, as they reported them. */
function reported(folder, fromStep) {
  const rows = readLines(path.join(folder, "metrics", "workers.jsonl")).filter(
    ({ step }) => step >= fromStep,
  );
  const each = (chosen) =>
    median(
      chosen
        .filter(({ microBatches }) => microBatches > 0)
        .map(({ compute, microBatches }) => compute / microBatches),
    );
  const isSlow = ({ process: name }) => name === `worker-${workers - 1}`;
  return { slowMs: each(rows.filter(isSlow)), otherMs: each(rows.filter((row) => !isSlow(row))) };
}

async function main() {
  const { values } = parseArgs({ options: { steps: { type: "string", default: "260" } } });
  const steps = Number(values.steps);
  const inUse = await coresInUse();
  const machine = await describeMachine();
  if (isBusy(inUse))
    console.log(`other programs use ${inUse.toFixed(1)} cores: these figures will not mean much`);
  const scratch = mkdtempSync(path.join(os.tmpdir(), "latentweave-straggler-"));
  try {
    const flags = [
      "--steps",
      String(steps),
      "--seed",
      "7",
      "--device",
      "cpu",
      "--runs",
      scratch,
      "--dashboard",
      "off",
    ];
    const alone = (
      await latentweave(["train", job, "--workers", "1", "--run-id", "alone", ...flags, "--quiet"])
    ).trim();
    const spec = JSON.parse(readFileSync(path.join(scratch, "alone", "spec.json"), "utf8"));
    const results = [];
    for (const { name, flags: more } of [
      { name: "helped", flags: [] },
      { name: "waiting", flags: ["--no-balance"] },
    ]) {
      const result = await measure(scratch, { name, spec, flags: more, steps });
      const share = result.healthyMs / result.slowedMs / capacity;
      results.push({ name, share, ...result, same: result.hash === alone });
      console.log(
        `${name}: ${result.healthyMs.toFixed(0)} ms a step, with a slow worker ${result.slowedMs.toFixed(0)} over ${result.slowedSteps} steps (${result.settledMs.toFixed(0)} in the end): ${share.toFixed(3)} of what the capacity allows; it took ${(result.samples.slowMs / result.samples.otherMs).toFixed(1)} times as long; hash ${result.hash === alone ? "as of a run left alone" : "DIFFERENT"}`,
      );
      for (const { afterMs, text } of result.events.slice(0, 8))
        console.log(`    ${(afterMs / 1000).toFixed(1)} s: ${text}`);
    }
    const [helped, waiting] = results;
    const met = helped.share >= leastShare && results.every(({ same }) => same);
    console.log(
      `${met ? "✓" : "✗"} ${helped.share.toFixed(2)} with speculation and leases that follow, ${waiting.share.toFixed(2)} without; bar: ${leastShare}, same hash`,
    );
    process.exitCode = met ? 0 : 1;
    if (steps >= 260)
      await writeFormatted(resultFile, JSON.stringify({ machine, inUse, steps, pauseMs, capacity, results }));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
