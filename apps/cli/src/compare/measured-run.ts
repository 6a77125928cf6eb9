import path from "node:path";
import { readTable } from "@latentweave/checkpoint";
import type { LoadedBackend } from "@latentweave/compute";
import { createLayout } from "@latentweave/parameters";
import { samplesBefore } from "@latentweave/plan";
import type { SplitName } from "@latentweave/protocol";
import { listFigures } from "../report/head-figures.ts";
import { loadModel } from "../report/load-model.ts";
import type { Measured } from "../report/measure-model.ts";
import { measureTask } from "../report/measure-task.ts";
import { openRun } from "../report/open-run.ts";

/** One figure of a task. */
export interface Figure {
  /** `reconstruction error`, `label accuracy`, ... */
  readonly name: string;
  readonly kind: "error" | "share";
  readonly value: number;
}

export interface MeasuredTask {
  readonly dataHash: string;
  readonly split: SplitName;
  readonly samples: number;
  readonly figures: readonly Figure[];
  /** Training samples that it has seen. */
  readonly trainedSamples: number;
}

/** A run's newest checkpoint on rows that it was not trained on, and what it took to get there. */
export interface MeasuredRun {
  readonly runId: string;
  readonly directory: string;
  readonly seed: number;
  readonly step: number;
  /** Steps that the job asks for: more than `step` where the run is not over. */
  readonly totalSteps: number;
  readonly parameters: number;
  /** `name value, ...`; empty where the run does not say. */
  readonly determinismClass: string;
  readonly tasks: ReadonlyMap<string, MeasuredTask>;
}

/** The model is in memory while it is measured, and no longer. */
export async function measureRun(
  directory: string,
  options: {
    readonly split?: SplitName;
    readonly backend: LoadedBackend;
    readonly log: (line: string) => void;
  },
): Promise<MeasuredRun> {
  const run = await openRun(directory, options.log);
  const record = await readTable(path.join(directory, "run.json"));
  const seen = samplesBefore(run.spec, run.version, { deal: run.deal });
  const tasks = new Map<string, MeasuredTask>();
  const compute = await loadModel(run, options.backend);
  try {
    for (const task of run.tasks) {
      const { split, samples, measured } = await measureTask(compute, run, task, options.split);
      tasks.set(task.name, {
        dataHash: task.manifest.dataHash,
        ...{ split, samples },
        figures: figuresOf(measured),
        trainedSamples: seen.get(task.name) ?? 0,
      });
    }
  } finally {
    await compute.close();
  }
  return {
    runId: run.runId,
    directory,
    seed: run.spec.seed,
    step: run.version,
    totalSteps: run.spec.phases.reduce((sum, { steps }) => sum + steps, 0),
    parameters: createLayout(run.spec.groups).parameters,
    determinismClass: classText(record?.determinismClass),
    tasks,
  };
}

/** What is compared of a task: its reconstruction, then its heads, but for logarithms, of which no share is a gain. */
export function figuresOf({ reconstructionError, heads }: Measured): readonly Figure[] {
  const figures: Figure[] = [];
  if (reconstructionError !== null)
    figures.push({ name: "reconstruction error", kind: "error", value: reconstructionError });
  for (const [head, measured] of Object.entries(heads))
    for (const { title, isRatio, higherIsBetter, value } of listFigures(measured))
      if (isRatio)
        figures.push({ name: `${head} ${title}`, kind: higherIsBetter ? "share" : "error", value });
  return figures;
}

function classText(value: unknown): string {
  return typeof value === "object" && value !== null
    ? Object.entries(value)
        .map(([name, one]) => `${name} ${String(one)}`)
        .join(", ")
    : "";
}
