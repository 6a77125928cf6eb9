import type { TaskGraph } from "@latentweave/model";
import type { GroupSpec } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";

const tasks = ["first", "second"];

/** Two tasks that share a group and have one each: as much of a job as sums on their way need. */
export function twoTasks(slots: number, compression?: RunSpec["compression"]): RunSpec {
  return {
    ...{ format: 1, name: "two tasks", seed: 7 },
    groups: [group("trunk", tasks, 300), ...tasks.map((task) => group(`${task}/own`, [task], 40))],
    phases: [{ name: "train", steps: 3, resetOptimiser: false, graphs: tasks.map(graphOf) }],
    tasks: tasks.map((name) => ({
      ...{ name, weight: 1, microBatch: 2, slots, dataHash: "0".repeat(64) },
      ...{ trainShardRows: [40, 40], evaluationShardRows: [4] },
    })),
    optimiser: { kind: "sgd", learningRate: 0.1 },
    schedule: { kind: "constant", warmupSteps: 0 },
    clipNorm: null,
    combiner: { name: "sum", options: {} },
    regulariser: null,
    evaluation: null,
    ...{ recoveryEverySteps: 0, checkpointEverySteps: 0, windowRows: 8 },
    compute: { backend: null, threads: 1 },
    userModule: null,
    ...(compression && { compression }),
  };
}

function group(name: string, of: readonly string[], numbers: number): GroupSpec {
  const initialiser = { kind: "constant", value: 0 } as const;
  return { name, tasks: of, tensors: [{ name: `${name}/kernel`, shape: [numbers], initialiser }] };
}

function graphOf(task: string): TaskGraph {
  return {
    ...{ task, nodes: [], latent: undefined, reconstruction: undefined },
    losses: [{ kind: "classification", name: "label", weight: 1, logits: 0, classes: 2, column: "y" }],
    groups: ["trunk", `${task}/own`],
  };
}
