import { readdirSync } from "node:fs";
import path from "node:path";
import type { LoadedBackend } from "@latentweave/compute";
import { conflictRates, meanCosines } from "../relatedness/gradient-matrix.ts";
import { sampleTask, type TaskSample } from "../relatedness/latents.ts";
import { ckaMatrix, type LoadedRun, type Matrix, mmdMatrix } from "../relatedness/similarity.ts";
import { type GradientPoint, readGradientSeries } from "../report/gradient-series.ts";
import { loadModel } from "../report/load-model.ts";
import { type OpenedRun, openRun } from "../report/open-run.ts";
import { affinityAt } from "./affinity.ts";
import { meanMatrix } from "./transfer-matrix.ts";

/** A score that costs less than training pairs: higher says that two tasks help each other more. */
export interface CheapScore {
  readonly name: "cosine" | "no conflict" | "affinity" | "cka" | "mmd";
  readonly what: string;
  /** Entry (i, j): of what task i does for task j. */
  readonly matrix: Matrix;
}

const similaritySamples = 400;

/**
 * All scores of one seed: three of the run with all tasks, and CKA of the runs of single tasks.
 * @param all folder of the run with all tasks; @param single by task
 */
export async function cheapScores(options: {
  readonly all: string;
  readonly single: ReadonlyMap<string, string>;
  readonly backend: LoadedBackend;
  readonly note: (line: string) => void;
}): Promise<{ readonly scores: readonly CheapScore[]; readonly gradients: readonly GradientPoint[] }> {
  const { backend, note } = options;
  const run = await openRun(options.all, note);
  const tasks = run.tasks.map(({ name }) => name);
  const gradients = await readGradientSeries(options.all);
  const cosines = meanCosines(gradients, tasks.length);
  const scores: CheapScore[] = [
    { name: "cosine", what: "mean cosine between the tasks' gradients", matrix: cosines },
    {
      name: "no conflict",
      what: "share of steps without a negative cosine",
      matrix: negated(conflictRates(gradients, tasks.length), (rate) => 1 - rate),
    },
  ];
  const affinities: Matrix[] = [];
  for (const version of checkpointVersions(options.all)) {
    const at = await affinityAt(await openRun(options.all, note, version), backend);
    if (at) affinities.push(at);
  }
  scores.push({
    name: "affinity",
    what: `affinity Z, mean of ${affinities.length} checkpoints`,
    matrix: affinities.length > 0 ? meanMatrix(affinities) : empty(tasks.length),
  });
  const samples: TaskSample[] = [];
  for (const task of run.tasks) samples.push(await sampleTask(task, similaritySamples));
  const loaded: LoadedRun[] = [];
  try {
    const shared = { run, compute: await loadModel(run, backend) };
    loaded.push(shared);
    const alone = new Map<string, LoadedRun>();
    for (const [task, directory] of options.single) {
      const own: OpenedRun = await openRun(directory, note);
      const entry = { run: own, compute: await loadModel(own, backend) };
      loaded.push(entry);
      alone.set(task, entry);
    }
    scores.push({
      name: "cka",
      what: "linear CKA between encoders trained alone",
      matrix: await ckaMatrix(samples, (task) => alone.get(task) as LoadedRun),
    });
    scores.push({
      name: "mmd",
      what: "minus squared MMD between latents of the run with all tasks",
      matrix: negated(await mmdMatrix(samples, shared), (value) => -value),
    });
  } finally {
    for (const { compute } of loaded) await compute.close();
  }
  return { scores, gradients };
}

function negated(matrix: Matrix, of: (value: number) => number): Matrix {
  return matrix.map((row) => row.map((value) => (value === null ? null : of(value))));
}

function empty(tasks: number): Matrix {
  return Array.from({ length: tasks }, () => Array.from({ length: tasks }, () => null));
}

/** Of the checkpoints that a run has kept, oldest first. */
function checkpointVersions(directory: string): number[] {
  return readdirSync(path.join(directory, "checkpoints"))
    .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}
