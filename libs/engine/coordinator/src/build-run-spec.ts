import { type FeedbackCodec, keptOf } from "@latentweave/arithmetic";
import { combinerParts, fitsPattern, regulariserParts, type ResolvedJob, runLength } from "@latentweave/job";
import { resolveModel, type UserLayer } from "@latentweave/model";
import type { GroupSpec } from "@latentweave/parameters";
import { dealSampling, type RunSpec, type TaskSpec } from "@latentweave/plan";
import { type PreparedManifest, UserError } from "@latentweave/protocol";
import { shapeOf } from "./data-shape.ts";

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
    tasks: Object.keys(job.tasks).map((task) => taskSpec(job, task, manifests[task])),
    ...(job.mode.kind === "sync" ? {} : { mode: job.mode }),
    ...compressionSpec(job),
    optimiser: job.optimiser,
    schedule: job.schedule,
    ...ratesSpec(job, model.groups),
    clipNorm: job.clipNorm,
    combiner: combinerSpec(job),
    regulariser: regulariserParts(job),
    evaluation: job.evaluate.everySteps === 0 ? null : job.evaluate,
    checkpointEverySteps: job.checkpoints.everySteps,
    ...(job.recovery.everySteps > 0 && { recoveryEverySteps: job.recovery.everySteps }),
    ...(job.audit.share > 0 && { auditShare: job.audit.share }),
    ...(job.cosines.everySteps > 0 && { cosinesEverySteps: job.cosines.everySteps }),
    windowRows: job.order.windowRows,
    compute: { backend: job.compute.backend, threads: job.compute.threads },
    userModule: userModule?.text ?? null,
  };
}

/** @throws UserError for a pattern that no tensor fits, and where nothing would be trained */
function ratesSpec({ rates }: ResolvedJob, groups: readonly GroupSpec[]): Pick<RunSpec, "rates"> {
  const names = groups.flatMap(({ tensors }) => tensors.map(({ name }) => name));
  const factors = new Map<string, number>();
  for (const [pattern, factor] of Object.entries(rates)) {
    const fitting = names.filter((name) => fitsPattern(pattern, name));
    if (fitting.length === 0)
      throw new UserError({
        where: `rates["${pattern}"]`,
        what: "fits no tensor of the model",
        expected: `a name or a pattern of ${names.slice(0, 6).join(", ")}${names.length > 6 ? ", ..." : ""}`,
        mend: "change it, or leave it out",
      });
    for (const name of fitting) factors.set(name, factor);
  }
  if (names.every((name) => factors.get(name) === 0))
    throw new UserError({
      where: "rates",
      what: "are 0 for every tensor: nothing would be learned",
      expected: "some tensor that is trained",
      mend: "leave some of them out",
    });
  const others = [...factors].filter(([, factor]) => factor !== 1);
  return others.length === 0 ? {} : { rates: Object.fromEntries(others) };
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
  const { name, options, scalePrivate } = combinerParts(combiner);
  return { name, options, ...(scalePrivate && { scalesPrivate: true }) };
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
