import path from "node:path";
import { commitsOf, readTable } from "@latentweave/checkpoint";
import { createLayout } from "@latentweave/parameters";
import { keepsBits, type RunSpec } from "@latentweave/plan";
import { type CommitRecord, UserError } from "@latentweave/protocol";
import {
  type CommitPoint,
  createHistory,
  createStalenessTally,
  metricMeans,
  type RunEvent,
  type RunSnapshot,
  type RunState,
  type TaskSnapshot,
  type WorkerSnapshot,
} from "@latentweave/telemetry";
import { describeRun } from "../runs/describe-run.ts";
import { readJsonLines } from "./read-lines.ts";

/** What the coordinator's API would have said of a run, from its files alone. */
export interface DiskRun {
  readonly snapshot: RunSnapshot;
  readonly history: readonly CommitPoint[];
}

/** As many as the coordinator itself keeps. */
const mostPoints = 2_000;
const mostEvents = 200;

/** @throws UserError when run.json or spec.json is damaged */
export async function readDiskRun(directory: string): Promise<DiskRun> {
  const about = await describeRun(directory);
  const run = (await readTable(path.join(directory, "run.json"))) ?? {};
  const spec = (await readTable(path.join(directory, "spec.json"))) as unknown as RunSpec | null;
  const history = createHistory(mostPoints);
  const staleness = createStalenessTally();
  let lastRow: Readonly<Record<string, unknown>> = {};
  for await (const row of readJsonLines(path.join(directory, "metrics", "steps.jsonl"))) {
    const point = pointOf(row);
    history.add(point);
    if (point.staleness !== undefined) staleness.add(point.staleness, numberOf(row.givenUp));
    // The closing evaluation trains nothing: it has no rate to show.
    if (Object.keys(point.loss).length > 0) lastRow = row;
  }
  const points = history.points();
  const events = await readEvents(directory);
  const lastMs = Math.max(points.at(-1)?.atMs ?? 0, events.at(-1)?.atMs ?? 0);
  const startedAtMs = about.startedAtMs ?? points[0]?.atMs ?? 0;
  const isOver = about.state === "lost" || endStates.includes(about.state);
  const snapshot: RunSnapshot = {
    apiVersion: 1,
    runId: about.runId,
    name: about.name,
    state: about.state === "lost" ? "interrupted" : about.state,
    phase: spec?.phases.at(-1)?.name ?? "",
    step: about.step,
    totalSteps: about.totalSteps ?? about.step,
    startedAtMs,
    elapsedMs: Math.max(0, (isOver ? lastMs : Date.now()) - startedAtMs),
    etaMs: null,
    samplesPerSecond: numberOf(lastRow.samplesPerSecond),
    stepMs: numberOf(lastRow.stepMs),
    quorumId: 0,
    shards: numberOf(run.shards),
    parameters: spec === null ? 0 : createLayout(spec.groups).parameters,
    learningRate: numberOf(lastRow.learningRate),
    tasks: await readTasks(directory, spec),
    ...(spec !== null && !keepsBits(spec) && { sameBits: false as const }),
    ...(staleness.summary && { staleness: staleness.summary }),
    workers: await readWorkers(directory, run, isOver),
    events,
    hash: about.hash,
    reason:
      about.state === "lost"
        ? "its coordinator is gone; --resume goes on from the last checkpoint"
        : about.reason,
  };
  return { snapshot, history: points };
}

const endStates: readonly RunState[] = ["finished", "interrupted", "failed"];

function pointOf(row: Readonly<Record<string, unknown>>): CommitPoint {
  return {
    step: numberOf(row.step),
    atMs: numberOf(row.atMs),
    stepMs: numberOf(row.stepMs),
    samplesPerSecond: numberOf(row.samplesPerSecond),
    workers: numberOf(row.workers),
    loss: (row.loss ?? {}) as CommitPoint["loss"],
    evaluation: (row.evaluation ?? {}) as CommitPoint["evaluation"],
    ...(typeof row.staleness === "number" && { staleness: row.staleness }),
  };
}

async function readEvents(directory: string): Promise<readonly RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const row of readJsonLines(path.join(directory, "metrics", "events.jsonl"))) {
    events.push(row as unknown as RunEvent);
    if (events.length > mostEvents) events.shift();
  }
  return events;
}

/** From the ledger: samples over all steps, the newest training means, the newest evaluation. */
async function readTasks(directory: string, spec: RunSpec | null): Promise<readonly TaskSnapshot[]> {
  const tasks = new Map<string, TaskSnapshot>(
    (spec?.tasks ?? []).map(({ name }) => [
      name,
      { task: name, samplesSeen: 0, training: {}, evaluation: null },
    ]),
  );
  for await (const commit of commitsUpToDamage(directory)) {
    // An update is always the last round of its step; rounds before it, and steps without one, evaluate.
    const updates = commit.version > commit.step;
    const lastRound = Math.max(...commit.tasks.map(({ round }) => round));
    for (const record of commit.tasks) {
      const before = tasks.get(record.task) ?? {
        task: record.task,
        samplesSeen: 0,
        training: {},
        evaluation: null,
      };
      const values = metricMeans(record.metrics, record.samples);
      const pause = commit.paused?.find(({ task }) => task === record.task);
      tasks.set(
        record.task,
        updates && record.round === lastRound
          ? {
              task: record.task,
              samplesSeen: before.samplesSeen + (pause ? 0 : record.samples),
              samplesPerStep: pause ? 0 : record.samples,
              training: values,
              evaluation: before.evaluation,
              ...(pause && { paused: { since: pause.since, why: pause.why, until: pause.until } }),
            }
          : { ...before, evaluation: { step: commit.step, values } },
      );
    }
  }
  return [...tasks.values()];
}

/** The page shows what there is; verify says what is wrong with it. */
async function* commitsUpToDamage(directory: string): AsyncGenerator<CommitRecord> {
  try {
    for await (const { record } of commitsOf(directory)) yield record;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}

async function readWorkers(
  directory: string,
  run: Readonly<Record<string, unknown>>,
  isOver: boolean,
): Promise<readonly WorkerSnapshot[]> {
  const newest = new Map<string, Readonly<Record<string, unknown>>>();
  for await (const row of readJsonLines(path.join(directory, "metrics", "workers.jsonl")))
    if (typeof row.process === "string" && row.microBatches !== undefined) newest.set(row.process, row);
  const backend = (run.determinismClass as Readonly<Record<string, string>> | null)?.backend ?? "?";
  return [...newest]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([workerId, row]): WorkerSnapshot => {
      const computeMs = numberOf(row.compute);
      return {
        workerId,
        host: "",
        pid: 0,
        backend,
        state: isOver ? "left" : "active",
        rank: null,
        leases: [],
        samplesPerSecond: computeMs > 0 ? (numberOf(row.samples) * 1000) / computeMs : 0,
        computeMs,
        fetchedBytes: numberOf(row.fetchedBytes),
        residentBytes: numberOf(row.residentBytes),
      };
    });
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
