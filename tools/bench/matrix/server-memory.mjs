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

/** 2·1024·2048 weights and their biases: 16.8 MB, and 8.6 GB a step each way with 512 workers. */
const size = { width: 1024, hidden: 2048 };
const smallest = { width: 12, hidden: 8 };
const counts = [2, 8, 64, 512];
const steps = 6;
const processes = 2;
/** Parameters and two moments of Adam, and the gradient of one task. */
const words = 3 + 1;
/**
 * Counted apart, as recovery copies and snapshots are: the version before, which stays readable until all shards have the
 * newest, and the parameters as they are on their way to workers.
 */
const apart = 3 + 1;
/** Of a slice at most (libs/foundation/parameters). */
const sliceNumbers = 32 * 16_384;
/** A tree of slices: one that waits on each level, and the one that comes. */
const treeOf = (workers, numbers) =>
  (Math.ceil(Math.log2(workers)) + 1) * Math.min(1, sliceNumbers / numbers);

/** @returns {Promise<{ rounds: 1, numbers: number, counts: object[] }>} bytes at most, beyond those of a model of no size */
export async function measureServerMemory(_, { say }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-bench-"));
  try {
    const bundles = await bundleFleet(path.join(folder, "bundles"));
    const peak = async (workers, model) => {
      const spec = bundles.spec.fleetSpec({ ...model, slots: workers, microBatch: 1 });
      const name = `${workers}-${model.hidden}`;
      const bytes = await peakOf({ folder: path.join(folder, name), spec, workers, bundles });
      say(
        `${workers} workers, ${model.hidden === size.hidden ? "whole" : "smallest"}: ${megabytes(bytes)} MB`,
      );
      return { bytes, numbers: bundles.spec.gradientBytes(spec) / 4 };
    };
    const measured = [];
    let numbers = 0;
    for (const workers of counts) {
      const [whole, least] = [await peak(workers, size), await peak(workers, smallest)];
      numbers = whole.numbers;
      measured.push({ workers, bytes: whole.bytes, leastBytes: least.bytes });
    }
    return { rounds: 1, numbers, counts: measured };
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
const perNumber = ({ bytes, leastBytes }, numbers) => (bytes - leastBytes) / 4 / numbers;

/** One line: the most of all numbers of workers, without their trees. */
export function judgedMemory(_, { counts: measured, numbers }) {
  const most = Math.max(...measured.map((one) => perNumber(one, numbers) - treeOf(one.workers, numbers)));
  return [
    {
      what: `words per parameter beside a tree of slices, at most, with ${measured.map(({ workers }) => workers).join(", ")} workers`,
      ...{
        figure: `**${most.toFixed(1)}**`,
        bar: `≤ ${words} (and ${apart}: the version before, and what is being sent)`,
      },
      isMet: most <= words + apart,
    },
  ];
}

export function memoryText(one, result) {
  const { counts: measured, numbers } = result;
  const rows = measured.map((entry) => [
    `${entry.workers} workers`,
    megabytes(entry.bytes),
    megabytes(entry.leastBytes),
    perNumber(entry, numbers).toFixed(1),
    treeOf(entry.workers, numbers).toFixed(1),
  ]);
  const [{ what, figure, bar, isMet }] = judgedMemory(one, result);
  return `${table([one.title, "MB at most", "of which without a model", "words per parameter", "of which a tree of slices"], rows)}\n\n${what}: ${figure}, bar ${bar}: ${isMet ? "met" : "**missed**"}.`;
}
