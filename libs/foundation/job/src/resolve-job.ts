import { completeLayer, type LayerSpec } from "@latentweave/model";
import { checkJob } from "./check-job.ts";
import { completeCombiner } from "./combiner-schema.ts";
import type { DataSource } from "./data-source.ts";
import { completeGuard } from "./guard-schema.ts";
import { explainIssue } from "./explain-issue.ts";
import { jobSchema, type ParsedJob } from "./job-schema.ts";
import { completeNotFinite } from "./not-finite-schema.ts";
import { JobError } from "./problem.ts";
import { completeRobust } from "./robust-schema.ts";
import { completeLatentSpec, completeSharing } from "./sharing-schema.ts";
import { completeRegulariser } from "./regulariser-schema.ts";
import type {
  ResolvedHead,
  ResolvedJob,
  ResolvedLauncher,
  ResolvedModelSpec,
  ResolvedTask,
} from "./resolved-job.ts";

/**
 * Checks a job and fills in its defaults. A resolved job is a job again and resolves to itself.
 * @param file the job's file, for messages
 * @throws JobError (a UserError) with every problem found.
 */
export function resolveJob(input: unknown, file?: string): ResolvedJob {
  const parsed = jobSchema.safeParse(input);
  if (!parsed.success)
    throw new JobError(
      parsed.error.issues.flatMap((issue) => explainIssue(issue, jobSchema, input)),
      file,
    );
  const problems = checkJob(parsed.data);
  if (problems.length > 0) throw new JobError(problems, file);
  return complete(parsed.data);
}

function complete(job: ParsedJob): ResolvedJob {
  return {
    name: job.name,
    seed: job.seed,
    tasks: mapRecord(job.tasks, (task) => completeTask(task, job.model)),
    model: completeModel(job.model),
    mode: job.mode,
    compression: {
      ...job.compression,
      push: job.compression.push ?? null,
      broadcast: job.compression.broadcast ?? null,
    },
    regulariser: completeRegulariser(job.regulariser, Object.keys(job.tasks)),
    combiner: completeCombiner(job.combiner),
    guard: job.guard ? completeGuard(job.guard) : null,
    ...(job.sampling && { sampling: job.sampling }),
    cosines: job.cosines,
    optimiser: job.optimiser,
    ...(Object.keys(job.optimisers).length > 0 && { optimisers: job.optimisers }),
    schedule: job.schedule,
    start: job.start ? { ...job.start, only: job.start.only ?? null } : null,
    rates: job.rates,
    clipNorm: job.clipNorm ?? null,
    robust: job.robust ? completeRobust(job.robust) : null,
    onNotFinite: completeNotFinite(job.onNotFinite, job.mode),
    steps: job.steps ?? null,
    epochs: job.epochs ?? null,
    evaluate: job.evaluate,
    checkpoints: job.checkpoints,
    stopEarly: job.stopEarly ?? null,
    average: job.average ?? null,
    recovery: job.recovery,
    audit: job.audit,
    compute: { ...job.compute, backend: job.compute.backend ?? null },
    launcher: completeLauncher(job.launcher),
    layers: job.layers ?? null,
    extensions: job.extensions,
    order: job.order,
  };
}

function completeTask(task: ParsedJob["tasks"][string], model: ParsedJob["model"]): ResolvedTask {
  const decoder = completeLayers(task.decoder);
  const latent = task.latent ? completeLatentSpec(task.latent, completeLayers) : undefined;
  const ofModel = model.kind === "shared" && typeof model.latent !== "number" ? model.latent : undefined;
  const isVariational = (latent ?? ofModel)?.kind === "variational";
  return {
    data: withoutUndefined(task.data),
    input: task.input ?? null,
    encoder: completeLayers(task.encoder),
    decoder,
    reconstruction: completeReconstruction(task.reconstruction, decoder, isVariational),
    heads: mapRecord(task.heads, (head): ResolvedHead => ({
      kind: head.kind,
      column: head.column,
      classes: head.classes ?? null,
      layers: completeLayers(head.layers),
      weight: head.weight,
      ...(head.kind === "regression" && head.uncertainty === true && { uncertainty: true }),
    })),
    weight: task.weight,
    microBatch: task.microBatch,
    slots: task.slots,
    ...(latent && { latent }),
    ...(task.augment && task.augment.length > 0 && { augment: task.augment }),
    ...(task.noise && { noise: task.noise }),
    ...(task.binarise === true && { binarise: true }),
    ...(task.penalties && task.penalties.length > 0 && { penalties: task.penalties }),
    ...(task.tied === true && { tied: true }),
  };
}

/** The evidence lower bound is one of the whole sample, so its numbers are summed up unless the job says otherwise. */
function completeReconstruction(
  reconstruction: ParsedJob["tasks"][string]["reconstruction"],
  decoder: readonly LayerSpec[],
  isVariational: boolean,
): ResolvedTask["reconstruction"] {
  if (reconstruction === false || reconstruction?.loss === "user") return reconstruction;
  const { loss, weight, reduction } = reconstruction ?? {
    loss: endsInSigmoid(decoder) ? "bce" : "mse",
    weight: 1,
  };
  const isSum = reduction === undefined ? isVariational : reduction === "sum";
  // Of a resolved job it is read again: what is not a sum must say so where a sum would be taken.
  return { loss, weight, ...(isSum ? { reduction: "sum" } : isVariational && { reduction: "mean" }) };
}

function completeModel(model: ParsedJob["model"]): ResolvedModelSpec {
  return model.kind === "private" || model.kind === "bank" ? model : completeSharing(model, completeLayers);
}

function completeLauncher(launcher: ParsedJob["launcher"]): ResolvedLauncher {
  const shards = launcher.shards ?? (launcher.placement === "dedicated" ? 1 : null);
  return { ...launcher, workers: launcher.workers ?? null, shards };
}

function completeLayers(layers: ParsedJob["tasks"][string]["encoder"]): readonly LayerSpec[] {
  // The schema's optional fields may hold undefined, which completeLayer takes as absent.
  return layers.map((layer) => completeLayer(layer as LayerSpec));
}

/** Reshaping does not change what the numbers went through last. */
function endsInSigmoid(layers: readonly LayerSpec[]): boolean {
  const last = layers.findLast(({ kind }) => kind !== "reshape" && kind !== "flatten");
  return last !== undefined && "activation" in last && last.activation === "sigmoid";
}

function withoutUndefined(data: DataSource): DataSource {
  return JSON.parse(JSON.stringify(data)) as DataSource;
}

function mapRecord<From, To>(
  record: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
