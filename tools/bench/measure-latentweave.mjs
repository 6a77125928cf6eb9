/** One run of ours: real processes, started by `latentweave train`, timed by the run's own record. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { latentweave } from "./own-command.mjs";
import { watchMemory } from "./process-memory.mjs";
import { mean } from "./statistics.mjs";

const autoencoder = fileURLToPath(new URL("./autoencoder.yaml", import.meta.url));
/** A look costs a millisecond or two of a processor; the most that a process ever held is in the last one. */
const memoryEveryMs = 1_000;
export const batch = 256;

/**
 * Trains the benchmark's job and reads what it did in steps `warmup` up to the last.
 * @param workers processes of one thread; each computes one micro-batch of `samples` samples a step
 * @param slots micro-batches a step, if not one for each worker
 * @param device as `--device` takes it. @param settings further arguments of `train`. @param env of its processes
 * @param tasks of the job, each with as many slots and samples. @param program in place of this checkout's
 * @returns {Promise<{ seconds, samplesPerSecond, stepMs, loss, hash, phases, memory }>} `phases`: mean ms a step, by
 *   process and phase; `memory`: peak bytes by process
 */
export async function measureLatentweave({
  workers,
  warmup,
  steps,
  device = "cpu",
  batch: samples = batch,
  slots = workers,
  job = autoencoder,
  tasks = ["digits"],
  settings = [],
  env = {},
  program,
}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
  let memory;
  try {
    const hash = await latentweave(
      [
        ...["train", job, "--workers", String(workers), ...settings],
        ...tasks.flatMap((task) => ["--set", `tasks.${task}.slots=${slots}`]),
        ...tasks.flatMap((task) => ["--set", `tasks.${task}.microBatch=${samples}`]),
        ...["--steps", String(warmup + steps), "--seed", "7", "--device", device],
        ...["--run-id", "bench", "--runs", folder, "--dashboard", "off", "--quiet"],
      ],
      (pid) => (memory = watchMemory(pid, memoryEveryMs)),
      env,
      program,
    );
    const metrics = path.join(folder, "bench", "metrics");
    const commits = readLines(path.join(metrics, "steps.jsonl")).filter(({ step }) => step >= warmup - 1);
    const [first, last] = [commits[0], commits.at(-1)];
    const counted = last.step - first.step;
    const seconds = (last.atMs - first.atMs) / 1000;
    return {
      seconds,
      stepMs: (seconds * 1000) / counted,
      samplesPerSecond: (counted * tasks.length * slots * samples) / seconds,
      loss: last.loss[tasks[0]],
      hash: hash.trim(),
      phases: phasesOf(commits, readLines(path.join(metrics, "workers.jsonl")), warmup),
      memory: Object.fromEntries(memory.stop().map(({ name, peakBytes }) => [name, peakBytes])),
    };
  } finally {
    memory?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const workerPhases = ["wait", "data", "compute", "reduce", "push"];

/** Mean ms a step; workers together, since they do the same. */
function phasesOf(commits, rows, warmup) {
  const late = rows.filter(({ step }) => step >= warmup);
  const meansOf = (from, names) =>
    Object.fromEntries(names.map((name) => [name, mean(from.map((row) => row[name] ?? 0))]));
  return {
    worker: meansOf(
      late.filter(({ process }) => process.startsWith("worker-")),
      workerPhases,
    ),
    server: {
      ...meansOf(commits.slice(1), ["gather", "decide"]),
      ...meansOf(
        late.filter(({ process }) => process === "shard-0"),
        ["update", "publish"],
      ),
    },
  };
}

export function readLines(file) {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
