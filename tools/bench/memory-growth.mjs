/** Whether coordinator and parameter server grow with steps: a long run of a tiny job, watched from outside. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readLines } from "./measure-latentweave.mjs";
import { latentweave } from "./own-command.mjs";
import { watchMemory } from "./process-memory.mjs";
import { slope } from "./statistics.mjs";

const job = fileURLToPath(new URL("./tiny.yaml", import.meta.url));
const sampleEveryMs = 250;
/** Over ten thousand steps V8 finds the size of its heap, and the curves' history fills up. */
const settledAfter = 0.25;

/**
 * @returns {Promise<{ steps, seconds, processes: { name, startBytes, endBytes, peakBytes, bytesPerStep, samples }[] }>}
 *   `bytesPerStep`: least-squares slope of resident memory over the last three quarters of the steps; `startBytes` and
 *   `endBytes`: the medians of the first and the last tenth of those samples
 */
export async function measureMemoryGrowth({ steps = 40_000 } = {}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
  const samples = new Map();
  let watch;
  try {
    await latentweave(
      [
        ...["train", job, "--workers", "2", "--steps", String(steps), "--run-id", "memory"],
        ...["--runs", folder, "--device", "cpu", "--dashboard", "off", "--quiet"],
      ],
      (pid) =>
        (watch = watchMemory(pid, sampleEveryMs, ({ name, residentBytes }, atMs) => {
          if (!samples.has(name)) samples.set(name, []);
          samples.get(name).push({ atMs, residentBytes });
        })),
    );
    const peaks = new Map(watch.stop().map(({ name, peakBytes }) => [name, peakBytes]));
    const commits = readLines(path.join(folder, "memory", "metrics", "steps.jsonl"));
    const settled = commits.filter(({ step }) => step >= steps * settledAfter);
    const processes = [...samples].map(([name, seen]) => ({
      name,
      peakBytes: peaks.get(name),
      ...growthOf(seen, settled),
    }));
    return { steps, seconds: (commits.at(-1).atMs - commits[0].atMs) / 1000, processes };
  } finally {
    watch?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function growthOf(seen, commits) {
  const points = seen
    .filter(({ atMs }) => atMs >= commits[0].atMs && atMs <= commits.at(-1).atMs)
    .map(({ atMs, residentBytes }) => [stepAt(commits, atMs), residentBytes]);
  const tenth = Math.max(1, Math.floor(points.length / 10));
  const middleOf = (part) =>
    part.map(([, bytes]) => bytes).sort((a, b) => a - b)[Math.floor(part.length / 2)];
  return {
    samples: points.length,
    startBytes: middleOf(points.slice(0, tenth)),
    endBytes: middleOf(points.slice(-tenth)),
    bytesPerStep: slope(points),
  };
}

/** The step that was committed last at that time. */
function stepAt(commits, atMs) {
  let low = 0;
  let high = commits.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (commits[middle].atMs <= atMs) low = middle;
    else high = middle - 1;
  }
  return commits[low].step;
}
