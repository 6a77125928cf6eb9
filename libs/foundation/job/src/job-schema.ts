import { z } from "zod";
import { combinerSchema } from "./combiner-schema.ts";
import { compressionSchema } from "./compression-schema.ts";
import { guardSchema } from "./guard-schema.ts";
import { activationSchema, positiveInteger } from "./layer-schema.ts";
import { modeSchema } from "./mode-schema.ts";
import { notFiniteSchema } from "./not-finite-schema.ts";
import { optimiserSchema, optimisersSchema } from "./optimiser-schema.ts";
import { robustSchema } from "./robust-schema.ts";
import { sharingSchemas } from "./sharing-schema.ts";
import { samplingSchema } from "./sampling-schema.ts";
import { ratesSchema, startSchema } from "./start-schema.ts";
import { regulariserSchema } from "./regulariser-schema.ts";
import { nameSchema, taskSchema } from "./task-schema.ts";

const count = z.int().min(0);

const modelSchema = z.discriminatedUnion("kind", [
  ...sharingSchemas,
  /** Nothing shared: what a task's encoder yields is its latent. */
  z.strictObject({ kind: z.literal("private") }),
  /** Autoencoders trained alone first; then each sample goes through all of them, under one head. */
  z.strictObject({
    kind: z.literal("bank"),
    /** Share of the steps for training alone; default 0.5. */
    pretrain: z.number().gt(0).lt(1).default(0.5),
    /** Of the head; default `sigmoid`. */
    activation: activationSchema.default("sigmoid"),
  }),
]);

const warmupSteps = count.default(0);

const scheduleSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("constant"), warmupSteps }),
  z.strictObject({
    kind: z.literal("cosine"),
    warmupSteps,
    /** Share of the learning rate that is left at the end; default 0. */
    finalShare: z.number().min(0).max(1).default(0),
  }),
  z.strictObject({
    kind: z.literal("step"),
    warmupSteps,
    everySteps: positiveInteger,
    /** Default 0.1. */
    factor: z.number().gt(0).max(1).default(0.1),
  }),
]);

const launcherBase = {
  /** Default: one per core or GPU (local) or per host (ssh), at most one per slot. */
  workers: positiveInteger.nullish(),
  /** Parameter-server shards; default: one for each worker where they are beside them, else 1. */
  shards: positiveInteger.nullish(),
  /**
   * `dedicated` (default): shards are processes of their own. `beside`: each is in the process of a worker, of the first
   * ones where there are fewer shards. `auto`: whichever exchanges as many parameters faster.
   */
  placement: z.enum(["dedicated", "beside", "auto"]).default("dedicated"),
  /**
   * `auto` (default): where two workers or more share a host that the parameter server is not on, one of them speaks for
   * all. `off`: each for itself.
   */
  hostAggregation: z.enum(["auto", "off"]).default("auto"),
};

const launcherSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("local"), ...launcherBase }),
  z.strictObject({
    kind: z.literal("ssh"),
    ...launcherBase,
    /** As ssh takes them: `host` or `user@host`. */
    hosts: z.array(z.string().min(1)).readonly().check(z.minLength(1)),
  }),
]);

export const jobSchema = z.strictObject({
  /** Shown to people; default `job`. */
  name: z.string().min(1).max(100).default("job"),
  /** Everything random follows from it; default 0. */
  seed: z.int().min(0).max(4_294_967_295).default(0),
  tasks: z.record(nameSchema, taskSchema),
  /** Default { kind: "private" }. */
  model: modelSchema.default({ kind: "private" }),
  /** Default { kind: "sync" }. */
  mode: modeSchema.default({ kind: "sync" }),
  /** What is rounded so that it travels in fewer bytes; default nothing. */
  compression: compressionSchema.default({ auto: false, sameBits: true }),
  /** λ·Ω, which pulls the tasks' own parameters together; default none. */
  regulariser: regulariserSchema.default({ omega: "none", lambda: 0, on: "encoder" }),
  /** How the tasks' gradients become one; default `sum`. */
  combiner: combinerSchema.default("sum"),
  /** Watches each task beside the same task alone, and acts where it is worse together; default none. */
  guard: guardSchema.nullish(),
  /** How the samples of a step are dealt to tasks of different size; default: by each task's microBatch and slots. */
  sampling: samplingSchema.nullish(),
  cosines: z
    .strictObject({
      /** The cosines between the tasks' gradients are recorded every so many steps; default 20; 0: never. */
      everySteps: count.default(20),
    })
    .default({ everySteps: 20 }),
  /** Default { kind: "adam", learningRate: 0.001 }. */
  optimiser: optimiserSchema.default({
    kind: "adam",
    learningRate: 0.001,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
  }),
  /** Other optimisers of tensors, by name; default none. */
  optimisers: optimisersSchema.default({}),
  /** Default constant, without warm-up. */
  schedule: scheduleSchema.default({ kind: "constant", warmupSteps: 0 }),
  /** Weights to begin with; default: drawn by the seed. */
  start: startSchema.nullish(),
  /** Factors of the learning rate, by names of tensors; default 1 everywhere. */
  rates: ratesSchema.default({}),
  /** Upper bound on the norm of the combined gradient; default none. */
  clipNorm: z.number().gt(0).nullish(),
  /** How a task's micro-batches become its gradient; default: by their mean. */
  robust: robustSchema.nullish(),
  /** What becomes of a task whose numbers are not finite; default `pause`, in the modes `stale` and `async` `stop`. */
  onNotFinite: notFiniteSchema.nullish(),
  /** Steps of the whole run. Either this or `epochs`. */
  steps: positiveInteger.nullish(),
  /** Passes over the task that needs most steps for one. */
  epochs: z.number().gt(0).nullish(),
  evaluate: z
    .strictObject({
      /** Default 100; 0: never. */
      everySteps: count.default(100),
      /** Default `test`; `validation` needs a validation part in the data's split. */
      split: z.enum(["validation", "test"]).default("test"),
      microBatch: positiveInteger.default(256),
    })
    .default({ everySteps: 100, split: "test", microBatch: 256 }),
  checkpoints: z
    .strictObject({
      /** Default 500; 0: at the end only. */
      everySteps: count.default(500),
      keep: positiveInteger.default(2),
      /** Of every version that is evaluated, and the one with the least held-out loss is kept besides; default false. */
      best: z.boolean().default(false),
    })
    .default({ everySteps: 500, keep: 2, best: false }),
  /** The run ends when the held-out loss no longer falls; default: it does not. */
  stopEarly: z
    .strictObject({
      /** Evaluations in a row that bring nothing better. */
      patience: positiveInteger,
      /** By how much a loss must be lower to be better; default 0. */
      minDelta: z.number().min(0).default(0),
    })
    .nullish(),
  /** An exponential moving average of the weights is kept beside them; default none. */
  average: z
    .strictObject({
      /** What the average so far counts; default 0.999. */
      decay: z.number().gt(0).lt(1).default(0.999),
    })
    .nullish(),
  recovery: z
    .strictObject({
      /** Steps from one recovery point in memory to the next; default 20; 0: none. Needs two shards. */
      everySteps: count.default(20),
    })
    .default({ everySteps: 20 }),
  audit: z
    .strictObject({
      /** Share of steps in which each worker's micro-batches are computed by another one too; default 0. */
      share: z.number().min(0).max(1).default(0),
    })
    .default({ share: 0 }),
  compute: z
    .strictObject({
      /** Default: the best that the machine has. */
      backend: z.enum(["native", "webgpu", "wasm", "cpu"]).nullish(),
      /** Intra-op threads of each worker; default 1. */
      threads: positiveInteger.default(1),
      precision: z.literal("float32").default("float32"),
    })
    .default({ threads: 1, precision: "float32" }),
  launcher: launcherSchema.default({ kind: "local", placement: "dedicated", hostAggregation: "auto" }),
  /** Module with the job's own layers, relative to the job file. */
  layers: z.string().min(1).nullish(),
  /** Modules of others, as paths relative to the job file or as names of packages: docs/extending.md. */
  extensions: z.array(z.string().min(1)).readonly().default([]),
  order: z
    .strictObject({
      /** Rows within which each slot's data is shuffled; default 4096. */
      windowRows: positiveInteger.default(4096),
    })
    .default({ windowRows: 4096 }),
});

/** What a job file holds; only `tasks` and one of `steps` and `epochs` have no default. */
export type JobInput = z.input<typeof jobSchema>;
export type ParsedJob = z.output<typeof jobSchema>;

/** Returns the job as it is: gives an editor the types, and a reader the file's purpose. */
export function defineJob(job: JobInput): JobInput {
  return job;
}
