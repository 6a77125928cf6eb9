/** Rows of the cases about one micro-batch's compute: ours, and PyTorch eager. */
import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { bundleSources } from "../../build/bundle-sources.mjs";
import { latentweave, root, run } from "../own-command.mjs";
import { mean, median } from "../statistics.mjs";

const child = fileURLToPath(new URL("./compute-child.mjs", import.meta.url));
const script = fileURLToPath(new URL("./pytorch_compute.py", import.meta.url));
const library = `export { createThreadedCompute } from "@latentweave/compute";
  export { keepFreedMemory } from "@latentweave/vault";
  export { createLayout } from "@latentweave/parameters";`;

let scratch;

/** A folder with the library and, per job, the spec that the program resolves it to; gone when this process ends. */
async function prepare(job, settings) {
  if (scratch === undefined) {
    scratch = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
    process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
    await bundleSources(library, path.join(scratch, "library.mjs"));
  }
  const name = createHash("sha256")
    .update([job, ...settings].join("\0"))
    .digest("hex")
    .slice(0, 16);
  const runs = path.join(scratch, "runs");
  const spec = path.join(runs, name, "spec.json");
  mkdirSync(runs, { recursive: true });
  if (!existsSync(spec))
    await latentweave([
      ...["train", job, ...settings, "--steps", "1", "--workers", "1", "--device", "cpu"],
      ...["--set", "evaluate.everySteps=0"],
      ...["--run-id", name, "--runs", runs, "--dashboard", "off", "--quiet"],
    ]);
  return { library: path.join(scratch, "library.mjs"), spec };
}

/**
 * @param job file. @param settings further arguments of `train`. @param task of the job
 * @param processes so many at once: then the mean of their medians
 * @returns {Promise<{ stepMs: number, samplesPerSecond: number, slowestMs: number }>} `slowestMs`: the mean of the slowest
 *   of each round of them, which is what a step waits for
 */
export async function measureCompute({ job, settings = [], task, samples, warmup, steps, processes = 1 }) {
  const entry = path.join(root, "apps/cli/dist/compute-thread.js");
  const argument = { ...(await prepare(job, settings)), entry, task, samples, warmup, steps };
  const all = await Promise.all(Array.from({ length: processes }, () => startChild(argument)));
  const slowestMs = mean(all[0].times.map((_, step) => Math.max(...all.map(({ times }) => times[step]))));
  return { ...result(mean(all.map(({ times }) => median(times))), samples), slowestMs };
}

function startChild(argument) {
  return new Promise((resolve, reject) => {
    const started = fork(child, [JSON.stringify(argument)]);
    started.once("message", resolve);
    started.once("exit", (code, signal) => reject(new Error(`the compute ended with ${code ?? signal}`)));
  });
}

/** @param model of pytorch_compute.py */
export async function measurePyTorchCompute({ python, model, samples, warmup, steps, channelsLast = false }) {
  const args = ["--model", model, "--samples", samples, "--warmup", warmup, "--steps", steps].map(String);
  const env = { ...process.env, OMP_NUM_THREADS: "1", MKL_NUM_THREADS: "1" };
  const text = await run(python, [script, ...args, ...(channelsLast ? ["--channels-last"] : [])], env);
  return result(JSON.parse(text).ms, samples);
}

const result = (stepMs, samples) => ({ stepMs, samplesPerSecond: (1000 * samples) / stepMs });
