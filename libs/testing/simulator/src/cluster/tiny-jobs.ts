import { combinerNamed, registerCombiner } from "@latentweave/multitask";
import type { TaskGraph } from "@latentweave/model";
import type { GroupSpec } from "@latentweave/parameters";
import type { CompressionSpec, RunSpec } from "@latentweave/plan";

/**
 * Jobs so small that a whole run of one takes milliseconds, and yet with everything that a run's bits go through:
 * shared and private groups on several shards, slots that are no power of two, evaluation, checkpoints; and in
 * `related` clipping, Ω and a combiner that remembers. `replicas` is `plain` in the mode `diloco`, `stale` is `plain` in
 * the mode of that name, `async` is `related` in that one. `least` has one task of two slots and says as little as can
 * be, for whoever tries all orders of what is said. In `adaptive` tasks have other rows after every evaluation.
 */
export const jobNames = [
  "plain",
  "related",
  "bare",
  "replicas",
  "stale",
  "async",
  "least",
  "adaptive",
] as const;
/** Those that schedules are drawn with. */
export const drawnJobs = ["plain", "related", "bare"] as const;
export type JobName = (typeof jobNames)[number];

/**
 * What is rounded on the way. Trees have three to five slots: on level 1 of them there are pieces below, as they are, and
 * nodes that are made of two or three.
 */
export const compressions = {
  "int8 both ways": { push: { codec: "int8", level: "every" }, broadcast: { codec: "int8" } },
  "int8 on level 0": { push: { codec: "int8", level: 0 } },
  "int8 on level 1, fp16 back": { push: { codec: "int8", level: 1 }, broadcast: { codec: "fp16" } },
  "bf16 back": { broadcast: { codec: "bf16" } },
  // Of 16 numbers four, of 32 eight.
  "topk back": { broadcastFeedback: { kind: "topk", kept: 4096 } },
  "int8, topk back": {
    push: { codec: "int8", level: "every" },
    broadcastFeedback: { kind: "topk", kept: 4096 },
  },
  "topk both ways": {
    pushFeedback: { kind: "topk", kept: 4096 },
    broadcastFeedback: { kind: "topk", kept: 4096 },
    sameBits: false,
  },
  // What is sent here is too little to be measured: everything goes whole.
  auto: { auto: true, sameBits: false },
} as const satisfies Readonly<Record<string, CompressionSpec>>;
export type CompressionName = keyof typeof compressions;
export const compressionNames = Object.keys(compressions) as [CompressionName, ...CompressionName[]];

/** The spec of a tiny job with this many steps. */
export function tinySpec(name: JobName, steps: number, compression?: CompressionName): RunSpec {
  const spec = uncompressed(name, steps);
  return compression ? { ...spec, compression: compressions[compression] } : spec;
}

function uncompressed(name: JobName, steps: number): RunSpec {
  // Nothing crosses a checkpoint: with more steps between them there is more to be stale.
  if (name === "stale")
    return { ...specOf("plain", steps), checkpointEverySteps: 8, mode: { kind: "stale", bound: 2 } };
  if (name === "async")
    return { ...specOf("related", steps), checkpointEverySteps: 10, mode: { kind: "async" } };
  if (name === "adaptive") return adaptiveSpec(steps);
  return specOf(name, steps);
}

/** Losses change little in so few steps: what follows from them is made much of. */
function adaptiveSpec(steps: number): RunSpec {
  const spec = specOf("plain", steps);
  return {
    ...spec,
    tasks: spec.tasks.map((task, place) => ({ ...task, microBatch: [5, 3][place] ?? 1 })),
    optimiser: { kind: "sgd", learningRate: 0.05 },
    evaluation: { everySteps: 2, split: "validation", microBatch: 3 },
    sampling: { samples: 30, shares: [0.5, 0.5], most: [12, 12], strength: 8, limit: 4 },
  };
}

function specOf(job: Exclude<JobName, "stale" | "async" | "adaptive">, steps: number): RunSpec {
  if (job === "related") registerRemembering();
  const tasks = job === "bare" ? ["a", "b", "c"] : job === "least" ? ["a"] : ["a", "b"];
  const slots: Readonly<Record<string, number>> =
    job === "bare" ? { a: 1, b: 2, c: 4 } : job === "least" ? { a: 2 } : { a: 3, b: 5 };
  const isBare = job === "bare" || job === "least";
  return {
    format: 1,
    name: `tiny ${job}`,
    seed: 11,
    groups: [
      group("trunk", tasks, 32),
      ...(job === "least" ? [] : tasks).map((task) => ({
        ...group(`${task}/own`, [task], 16),
        ...(job === "related" && { family: "own" }),
      })),
      group("out", tasks, 16),
    ],
    phases: [
      { name: "train", steps, resetOptimiser: false, graphs: tasks.map((task) => graphOf(task, job)) },
    ],
    tasks: tasks.map((task, place) => ({
      name: task,
      weight: [1, 0.7, 1.3][place] ?? 1,
      microBatch: 2,
      slots: slots[task] ?? 1,
      dataHash: "0".repeat(64),
      trainShardRows: [12, 9],
      evaluationShardRows: [4, 3],
    })),
    ...(job === "replicas" && {
      mode: { kind: "diloco", innerSteps: 3, outer: { learningRate: 0.7, momentum: 0.9 } },
    }),
    optimiser: isBare
      ? { kind: "sgd", learningRate: 0.05 }
      : { kind: "adam", learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    schedule: { kind: "constant", warmupSteps: 0 },
    clipNorm: job === "related" ? 2 : null,
    combiner: { name: job === "related" ? remembering : "sum", options: {} },
    regulariser: job === "related" ? { omega: "mean", lambda: 0.1 } : null,
    evaluation: isBare ? null : { everySteps: 5, split: "test", microBatch: 3 },
    recoveryEverySteps: job === "least" ? 0 : job === "plain" ? 2 : 1,
    checkpointEverySteps: job === "least" ? 0 : job === "plain" ? 4 : 3,
    windowRows: 8,
    compute: { backend: null, threads: 1 },
    userModule: null,
  };
}

function group(name: string, tasks: readonly string[], numbers: number): GroupSpec {
  const initialiser = { kind: "uniform", low: -1, high: 1 } as const;
  return { name, tasks, tensors: [{ name: `${name}/kernel`, shape: [numbers], initialiser }] };
}

function graphOf(task: string, job: JobName): TaskGraph {
  return {
    task,
    nodes: [],
    losses: [{ kind: "classification", name: "label", weight: 1, logits: 0, classes: 2, column: "y" }],
    groups: ["trunk", ...(job === "least" ? [] : [`${task}/own`]), "out"],
    latent: undefined,
    reconstruction: undefined,
  };
}

const remembering = "simulator-remembers";

/** Weighs the tasks by how often it was asked and by the gradients so far: a call too many or too few changes the bits. */
function registerRemembering(): void {
  try {
    combinerNamed(remembering);
    return;
  } catch {
    // The first time.
  }
  registerCombiner<{ readonly calls: number; readonly drift: number }>({
    name: remembering,
    needsGram: true,
    init: () => ({ calls: 0, drift: 0 }),
    solve: ({ taskCount, gram, state }) => ({
      weights: Float64Array.from(
        { length: taskCount },
        (_, task) => 1 / (1 + task + (state.calls % 7)) + state.drift,
      ),
      state: { calls: state.calls + 1, drift: (state.drift + (gram?.[1] ?? 0) / 3) % 1 },
    }),
  });
}
