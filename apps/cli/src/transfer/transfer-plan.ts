import { type ResolvedJob, type ResolvedModelSpec, resolveJob } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";

/** What becomes of what the tasks before have shared. */
export const transferMethods = ["scratch", "frozen", "adapters", "fine-tuned"] as const;
export type TransferMethod = (typeof transferMethods)[number];

export interface TransferOptions {
  /** The run whose shared parameters are taken, and its folder. */
  readonly from: { readonly runId: string; readonly directory: string; readonly job: ResolvedJob };
  /** A job with the new task alone. */
  readonly task: ResolvedJob;
  readonly methods: readonly TransferMethod[];
  /** Training rows; undefined: all that there are. */
  readonly shots: readonly (number | undefined)[];
  /** Of data and weights, one run for each. */
  readonly seeds: readonly number[];
  /** Factor of the learning rate of what is shared, where it goes on learning. */
  readonly trunkRate: number;
  /** Channels of an adapter. */
  readonly adapter: number;
}

export interface PlannedRun {
  readonly runId: string;
  readonly method: TransferMethod;
  readonly shots: number | undefined;
  readonly seed: number;
  readonly job: ResolvedJob;
}

/**
 * Runs that teach the new task in each way, at the same steps and samples: all that differs is what they begin with and
 * what of it may change.
 * @throws UserError where the run shares nothing that a new task could use
 */
export function planTransfer(options: TransferOptions): readonly PlannedRun[] {
  const { from, task, methods, shots, seeds } = options;
  const names = Object.keys(task.tasks);
  const [name = ""] = names;
  if (names.length !== 1)
    throw new UserError({
      where: "--task",
      what: `the job has ${names.length} tasks`,
      expected: "one: the new task",
      mend: "leave the others out",
      exitCode: 2,
    });
  if (task.steps === null)
    throw new UserError({
      where: "--task",
      what: "the job counts epochs, which are other numbers of steps with other numbers of rows",
      expected: "steps, which are the same for all that is compared",
      mend: "give the job steps in place of epochs, or --steps",
      exitCode: 2,
    });
  return shots.flatMap((rows) =>
    methods.flatMap((method) =>
      seeds.map((seed): PlannedRun => ({
        ...{ method, shots: rows, seed },
        runId: `${from.runId}-to-${name}-${method}-${rows ?? "all"}-s${seed}`,
        job: jobOf(options, name, { method, rows, seed }),
      })),
    ),
  );
}

function jobOf(
  { from, task, trunkRate, adapter }: TransferOptions,
  name: string,
  run: { readonly method: TransferMethod; readonly rows: number | undefined; readonly seed: number },
): ResolvedJob {
  const { method, rows, seed } = run;
  const own = task.tasks[name] as ResolvedJob["tasks"][string];
  const split = { ...own.data.split, ...(rows !== undefined && { trainRows: rows }), seed };
  const start = { from: from.directory, only: ["shared/*"], rename: {} };
  const sharedRate = method === "fine-tuned" ? trunkRate : 0;
  return resolveJob({
    ...task,
    seed,
    name: `${task.name}: ${method}`,
    tasks: { [name]: { ...own, data: { ...own.data, split } } },
    model: modelOf(from.job.model, method, adapter, from.runId),
    ...(method !== "scratch" && {
      start,
      // What the new task's own job says of rates comes later, and counts.
      rates: { "shared/*": sharedRate, ...task.rates },
    }),
  });
}

function modelOf(
  model: ResolvedModelSpec,
  method: TransferMethod,
  adapter: number,
  runId: string,
): ResolvedModelSpec {
  if (model.kind === "private" || model.kind === "bank" || model.kind === "cross-stitch")
    throw new UserError({
      what: `run ${runId} has a model of the kind "${model.kind}", which shares nothing that a further task could use`,
      expected: "a model with a trunk or experts: shared, private-shared, mmoe, cgc, film or adapters",
      mend: "train one, and name it here",
      exitCode: 2,
    });
  if (method !== "adapters") return model;
  if (!("trunk" in model) || model.kind === "private-shared" || "kind" in model.latent)
    throw new UserError({
      where: "--how adapters",
      what: `run ${runId} has a model of the kind "${model.kind}"${"kind" in model.latent ? ` with a ${model.latent.kind} latent` : ""}, to which there are no adapters`,
      expected: "shared, film or adapters, with a latent of a dense layer",
      mend: "leave adapters out of --how",
      exitCode: 2,
    });
  const { trunk, latent, trunkDecoder } = model;
  return { kind: "adapters", trunk, latent, trunkDecoder, adapter };
}
