/**
 * What a parameter server needs beside how many workers there are: real clients of the protocol, all of which push a
 * whole gradient and get all weights, through sockets (fleet/steady-workers.mjs).
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { bundleFleet } from "../fleet/bundle.mjs";
import { startCluster, memoryOf } from "../fleet/cluster.mjs";
import { startPeers } from "../fleet/peers.mjs";
import { table } from "../table.mjs";

/**
 * What the larger of two models needs beyond the smaller is what parameters cost: the rest (the process, its connections,
 * what is under way, a tree of slices) does not grow with them. 17 and 50 MB of weights; and 8 and 25 for 512 workers,
 * each of which has all of them in memory.
 */
const models = [
  ...[2, 8, 64].map((workers) => ({ workers, hidden: [2048, 6144] })),
  { workers: 512, hidden: [1024, 3072] },
];
/** Both versions have been written and sent by then. */
const steps = 4;
const processes = 2;
/** Parameters and two moments of Adam, and the gradient of one task. */
const words = 3 + 1;
/**
 * Counted apart, as recovery copies and snapshots are: the version before, which stays readable until all shards have the
 * newest, and the parameters as they are on their way to workers.
 */
const apart = 3 + 1;

/** @returns {Promise<{ rounds: 1, counts: { workers: number, peaks: { numbers: number, bytes: number }[] }[] }>} */
export async function measureServerMemory(_, { say }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
  try {
    const bundles = await bundleFleet(path.join(folder, "bundles"));
    const peak = async (workers, hidden) => {
      const spec = bundles.spec.fleetSpec({ width: 1024, hidden, slots: workers, microBatch: 1 });
      const numbers = bundles.spec.gradientBytes(spec) / 4;
      const name = `${workers}-${hidden}`;
      const bytes = await peakOf({ folder: path.join(folder, name), spec, workers, bundles });
      say(`${workers} workers, ${millions(numbers)} M parameters: ${megabytes(bytes)} MB`);
      return { numbers, bytes };
    };
    const measured = [];
    for (const { workers, hidden } of models) {
      const peaks = [];
      for (const units of hidden) peaks.push(await peak(workers, units));
      measured.push({ workers, peaks });
    }
    return { rounds: 1, counts: measured };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function peakOf({ folder, spec, workers, bundles }) {
  const cluster = await startCluster({ folder, spec, workers });
  const { url, runId } = cluster;
  const peers = startPeers({ file: bundles.steady, workers, processes, argument: { url, runId } });
  try {
    await peers.steps(steps);
    return memoryOf(cluster.processes)["parameter server"].peakBytes;
  } finally {
    peers.kill();
    await cluster.kill();
  }
}

const megabytes = (bytes) => Math.round(bytes / 1e6);
const millions = (numbers) => (numbers / 1e6).toFixed(1);
const wordsOf = ([less, more]) => (more.bytes - less.bytes) / 4 / (more.numbers - less.numbers);

/** One line: the most of all numbers of workers. */
export function judgedMemory(_, { counts: measured }) {
  const most = Math.max(...measured.map(({ peaks }) => wordsOf(peaks)));
  return [
    {
      what: `words per parameter, at most, with ${measured.map(({ workers }) => workers).join(", ")} workers`,
      ...{
        figure: `**${most.toFixed(1)}**`,
        bar: `≤ ${words} (and ${apart} for the version before and what is being sent)`,
      },
      isMet: most <= words + apart,
    },
  ];
}

export function memoryText(one, result) {
  const { counts: measured } = result;
  const rows = measured.map(({ workers, peaks }) => {
    const [least] = peaks;
    const rest = least.bytes - 4 * wordsOf(peaks) * least.numbers;
    return [
      `${workers} workers`,
      ...peaks.map(({ numbers, bytes }) => `${megabytes(bytes)} (${millions(numbers)} M parameters)`),
      wordsOf(peaks).toFixed(1),
      megabytes(rest),
    ];
  });
  const [{ what, figure, bar, isMet }] = judgedMemory(one, result);
  return `${table([one.title, "MB at most", "MB at most", "words per parameter", "MB whatever the parameters"], rows)}\n\n${what}: ${figure}, bar ${bar}: ${isMet ? "met" : "**missed**"}.`;
}
