import { open } from "node:fs/promises";
import path from "node:path";
import type { CommitPoint } from "@latentweave/telemetry";

/** Some 15,000 steps: more than a history keeps, and read in a fraction of a second. */
const mostBytes = 4 * 2 ** 20;

/**
 * The newest points of a run's curves as its coordinators before have written them, so that a page shows more than what
 * this one has seen. Each step once, in order, and below `nextStep`; lines that are none are left out.
 */
export async function readPastPoints(directory: string, nextStep: number): Promise<CommitPoint[]> {
  const points = new Map<number, CommitPoint>();
  for (const line of await lastLines(path.join(directory, "metrics", "steps.jsonl"))) {
    const point = parsePoint(line);
    if (point && point.step < nextStep) points.set(point.step, point);
  }
  return [...points.values()].sort((a, b) => a.step - b.step);
}

async function lastLines(file: string): Promise<string[]> {
  const handle = await open(file, "r").catch(() => undefined);
  if (!handle) return [];
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - mostBytes);
    const bytes = Buffer.alloc(size - start);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
    const lines = bytes.toString("utf8", 0, bytesRead).split("\n");
    // The first one is cut, unless the file begins there.
    return start === 0 ? lines : lines.slice(1);
  } finally {
    await handle.close();
  }
}

function parsePoint(line: string): CommitPoint | undefined {
  try {
    const row = JSON.parse(line) as CommitPoint;
    if (typeof row.step !== "number" || typeof row.loss !== "object") return undefined;
    const { step, atMs, stepMs, samplesPerSecond, workers, loss, evaluation, deal } = row;
    return { step, atMs, stepMs, samplesPerSecond, workers, loss, evaluation, ...(deal && { deal }) };
  } catch {
    return undefined;
  }
}
