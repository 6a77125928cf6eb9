import { type FeedbackCodec, keptOf } from "@latentweave/arithmetic";
import {
  combinerParts,
  optimisersByPattern,
  regulariserParts,
  type ResolvedJob,
  runLength,
} from "@latentweave/job";
import { baselineName, resolveModel, type UserLayer } from "@latentweave/model";
import { adaptiveSpec, dealSampling, type RunSpec, type TaskSpec } from "@latentweave/plan";
import { type PreparedManifest, UserError } from "@latentweave/protocol";
import { shapeOf } from "./data-shape.ts";
import { tensorRulesSpec } from "./tensor-rules-spec.ts";

/** What a job brings besides itself: its prepared data, and its own layers. */
export interface RunIngredients {
  readonly job: ResolvedJob;
  /** By task. */
  readonly manifests: Readonly<Record<string, PreparedManifest>>;
  /** Bundled text, and the same evaluated for shape inference; null when the job has none. */
  readonly userModule: { readonly text: string; readonly layers: Readonly<Record<string, UserLayer>> } | null;
}

/**
 * Fixes everything that a run's bits depend on: model, data and order, from the job and its prepared data. The same
 * ingredients give the same spec, byte for byte as JSON, on every machine.
 * @throws UserError where layers do not fit, or a task has no rows to train or evaluate on.
 */
export function buildRunSpec({ job: given, manifests, userModule }: RunIngredients): RunSpec {
  const rows = Object.fromEntries(
    Object.entries(manifests).map(([task, manifest]) => [task, manifest.splits.train.rows] as const),
  );
  const job = dealSampling(given, rows);
  const { split } = job.evaluate;
  const shapes = Object.fromEntries(
    Object.entries(manifests).map(([task, manifest]) => [task, shapeOf(manifest, split)] as const),
  );
  const model = resolveModel(job, shapes, userModule?.layers ?? {});
  const { phases } = runLength(job, rows);
  const sampling = adaptiveSpec(given, rows);
  return {
    format: 1,
    name: job.name,
    seed: job.seed,
    groups: model.groups,
    phases: phases.map((phase, index) => {
      const graphs = model.phases[index]?.tasks;
      if (!graphs) throw new RangeError(`the model has no phase ${index}`);
      return { ...phase, graphs };
    }),
    tasks: tasksSpec(job, manifests),
    ...(job.mode.kind === "sync" ? {} : { mode: job.mode }),
    ...compressionSpec(job),
    optimiser: job.optimiser,
    schedule: job.schedule,
    ...tensorRulesSpec({ ...job, optimisers: optimisersByPattern(job) }, model.groups),
    ...(job.robust && { robust: job.robust }),
    ...(job.onNotFinite.kind === "pause" && {
      pauseNotFinite: { retryAfterSteps: job.onNotFinite.retryAfterSteps },
    }),
    clipNorm: job.clipNorm,
    combiner: combinerSpec(job),
    regulariser: regulariserParts(job),
    evaluation: job.evaluate.everySteps === 0 ? null : job.evaluate,
    ...(sampling && { sampling }),
    ...guardSpec(job, phases),
    checkpointEverySteps: job.checkpoints.everySteps,
    ...(job.checkpoints.best && { keepBest: true }),
    ...(job.stopEarly && { stopEarly: job.stopEarly }),
    ...(job.average && { average: job.average }),
    ...(job.recovery.everySteps > 0 && { recoveryEverySteps: job.recovery.everySteps }),
    ...(job.audit.share > 0 && { auditShare: job.audit.share }),
    ...(job.cosines.everySteps > 0 && { cosinesEverySteps: job.cosines.everySteps }),
    windowRows: job.order.windowRows,
    compute: { backend: job.compute.backend, threads: job.compute.threads },
    userModule: userModule?.text ?? null,
  };
}

/** Absent where nothing is rounded. */
function compressionSpec({ compression }: ResolvedJob): Pick<RunSpec, "compression"> {
  const { push, broadcast, auto, sameBits } = compression;
  if (!push && !broadcast && !auto) return {};
  return {
    compression: {
      ...(push?.codec === "topk" ? { pushFeedback: feedbackOf(push) } : push && { push }),
      ...(broadcast?.codec === "topk"
        ? { broadcastFeedback: feedbackOf(broadcast) }
        : broadcast && { broadcast }),
      ...(auto && { auto }),
      ...(!sameBits && { sameBits }),
    },
  };
}

function feedbackOf({ share }: { readonly share: number }): FeedbackCodec {
  return { kind: "topk", kept: keptOf(share) };
}

function combinerSpec({ combiner }: ResolvedJob): RunSpec["combiner"] {
  const { name, options, scalePrivate, weightsEverySteps } = combinerParts(combiner);
  return {
    ...{ name, options },
    ...(scalePrivate && { scalesPrivate: true }),
    ...(weightsEverySteps > 1 && { everySteps: weightsEverySteps }),
  };
}

/** With a guard each task comes once more, alone, behind all of them. */
function tasksSpec(job: ResolvedJob, manifests: RunIngredients["manifests"]): TaskSpec[] {
  const tasks = Object.keys(job.tasks).map((task) => taskSpec(job, task, manifests[task]));
  if (job.sampling?.strategy === "adaptive")
    requireHeldOut(job, tasks, "adaptive sampling goes by them", "write another strategy");
  if (job.guard === null) return tasks;
  requireHeldOut(job, tasks, "the guard judges by them", "leave guard out");
  return [
    ...tasks,
    ...tasks.map((task) => ({ ...task, name: baselineName(task.name), baselineOf: task.name })),
  ];
}

/** @throws UserError where a task has no rows to evaluate on */
function requireHeldOut(
  { evaluate: { split } }: ResolvedJob,
  tasks: readonly TaskSpec[],
  why: string,
  otherwise: string,
): void {
  const unseen = tasks.find(({ evaluationShardRows }) => evaluationShardRows.every((rows) => rows === 0));
  if (unseen)
    throw new UserError({
      where: `tasks.${unseen.name}.data`,
      what: `has no ${split} rows, and ${why}`,
      expected: "some rows set aside in every task",
      mend: `add split: { ${split}: 0.1 } to the data, or ${otherwise}`,
    });
}

function guardSpec(
  { guard }: ResolvedJob,
  phases: readonly { readonly steps: number }[],
): Pick<RunSpec, "guard"> {
  if (guard === null) return {};
  const { watch, ...rule } = guard;
  const steps = phases.reduce((sum, phase) => sum + phase.steps, 0);
  return { guard: { ...rule, fromStep: Math.ceil(watch * steps) } };
}

function taskSpec(job: ResolvedJob, name: string, manifest: PreparedManifest | undefined): TaskSpec {
  const task = job.tasks[name];
  if (!task || !manifest) throw new RangeError(`task "${name}" was not prepared`);
  const { train } = manifest.splits;
  if (train.rows === 1)
    throw new UserError({
      where: `tasks.${name}.data`,
      what: "leaves a single example to train on: whatever is learned from it is that example",
      expected: "2 training rows or more",
      mend: "give the task more rows, or let fewer be set aside (split.test, split.validation, split.trainRows, limit)",
    });
  if (train.rows < task.slots)
    throw new UserError({
      where: `tasks.${name}.slots`,
      what: `${task.slots} slots, but only ${train.rows} training rows`,
      expected: "at least one training row for every slot",
      mend: `set slots to ${Math.max(1, train.rows)} or fewer, or give the task more data`,
    });
  return {
    name,
    weight: task.weight,
    microBatch: task.microBatch,
    slots: task.slots,
    dataHash: manifest.dataHash,
    trainShardRows: train.shards.map((shard) => shard.rows),
    evaluationShardRows: manifest.splits[job.evaluate.split].shards.map((shard) => shard.rows),
  };
}
