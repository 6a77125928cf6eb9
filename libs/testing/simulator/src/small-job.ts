import type { ResolvedOptimiser } from "@latentweave/job";
import { baselineName, resolveModel } from "@latentweave/model";
import type { RunSpec } from "@latentweave/plan";

export const smallWidth = 12;
export const smallClasses = 3;

/** A job of two small tasks with a shared trunk and a head each: big enough for several blocks, small enough for thousands of steps. */
export function smallSpec(
  change: Partial<RunSpec> & {
    readonly steps?: number;
    readonly hidden?: number;
    /** What Ω relates; default the heads. */
    readonly on?: "encoder" | "heads";
  } = {},
): RunSpec {
  const { steps = 6, hidden = 8, on = "heads", ...fields } = change;
  const task = {
    input: null,
    encoder: [{ kind: "dense", units: hidden, activation: "relu" }] as const,
    decoder: [{ kind: "dense", units: smallWidth, activation: "sigmoid" }] as const,
    reconstruction: { loss: "bce", weight: 1 } as const,
    heads: {
      label: { kind: "classification", column: "y", classes: smallClasses, layers: [], weight: 0.5 } as const,
    },
  };
  const shape = {
    inputShape: [smallWidth],
    columns: [{ name: "y", kind: "class", classes: smallClasses } as const],
  };
  const model = resolveModel(
    {
      tasks: { first: task, second: task },
      model: {
        kind: "shared",
        trunk: [{ kind: "dense", units: 6, activation: "relu" }],
        latent: { units: 4, activation: "linear" },
        trunkDecoder: [],
      },
      regulariser: {
        omega: fields.regulariser?.omega ?? "none",
        on,
        clusters: fields.regulariser?.options?.clusters,
      },
      guard: fields.guard ?? null,
    },
    { first: shape, second: shape },
  );
  const rows = { trainShardRows: [40, 40, 40, 40], evaluationShardRows: [13, 12], dataHash: "0".repeat(64) };
  const tasks = [
    { name: "first", weight: 1, microBatch: 4, slots: 5, ...rows },
    { name: "second", weight: 0.7, microBatch: 6, slots: 3, ...rows },
  ];
  const baselines = tasks.map((own) => ({ ...own, name: baselineName(own.name), baselineOf: own.name }));
  const optimiser: ResolvedOptimiser = {
    kind: "adam",
    learningRate: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
  };
  return {
    format: 1,
    name: "small",
    seed: 7,
    groups: model.groups,
    phases: model.phases.map((phase) => ({
      name: phase.name,
      steps,
      resetOptimiser: false,
      graphs: phase.tasks,
    })),
    tasks: fields.guard ? [...tasks, ...baselines] : tasks,
    optimiser,
    schedule: { kind: "constant", warmupSteps: 0 },
    clipNorm: null,
    combiner: { name: "sum", options: {} },
    regulariser: null,
    evaluation: { everySteps: 3, split: "test", microBatch: 8 },
    checkpointEverySteps: 0,
    windowRows: 16,
    compute: { backend: null, threads: 1 },
    userModule: null,
    ...fields,
  };
}
