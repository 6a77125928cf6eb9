import type { Arithmetic } from "@latentweave/arithmetic";
import type { ComputeModel } from "@latentweave/model";
import { createLayout, ownership, type ParameterLayout, type Slice } from "@latentweave/parameters";
import { pushFeedback, type RunSpec } from "@latentweave/plan";
import type { MessageOf } from "@latentweave/protocol";
import { receivedWeights, type ReceivedWeights } from "./received-weights.ts";
import { createResiduals, type Residuals } from "./residuals.ts";
import { createRowSource, type RowSource } from "./row-source.ts";
import { createSlotProgram, type SlotProgram } from "./slot-program.ts";
import type { WorkerOptions } from "./worker-options.ts";

/** What a worker has once it knows the run and its device has shown what it computes. */
export interface PreparedRun {
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  /** Slices by shard. */
  readonly owned: readonly (readonly Slice[])[];
  readonly source: RowSource;
  readonly program: SlotProgram;
  readonly weights: ReceivedWeights;
  /** Where the job has pushes leave something out. */
  readonly residuals: Residuals | undefined;
  /** Of the canary: admits this worker. */
  readonly digest: string;
}

/** Loads the model, computes the canary on it, and loads it anew: the canary leaves its own weights behind. */
export async function prepareRun(
  {
    arithmetic,
    compute,
    canary,
    openRows,
  }: Pick<WorkerOptions, "arithmetic" | "compute" | "canary" | "openRows">,
  welcome: MessageOf<"welcome">,
): Promise<PreparedRun> {
  const spec = JSON.parse(welcome.spec) as RunSpec;
  const layout = createLayout(spec.groups);
  const model: ComputeModel = {
    layout,
    phases: spec.phases.map((phase) => ({ name: phase.name, tasks: phase.graphs })),
    seed: spec.seed,
    ...(spec.userModule === null ? {} : { userModule: spec.userModule }),
  };
  await compute.load(model);
  const microBatches = new Map(spec.tasks.map((task) => [task.name, task.microBatch]));
  const digest = await canary(compute, model, (task) => microBatches.get(task) ?? 1);
  await compute.load(model);
  const source = createRowSource(spec, (task) => openRows(task, welcome.data));
  return {
    spec,
    layout,
    owned: ownership(layout, welcome.shards.length),
    source,
    weights: receivedWeights(spec, layout, arithmetic),
    residuals: residualsOf(spec, arithmetic),
    program: createSlotProgram({ spec, layout, arithmetic, compute, source }),
    digest,
  };
}

function residualsOf(spec: RunSpec, arithmetic: Arithmetic): Residuals | undefined {
  const [first, ...others] = pushFeedback(spec, { program: "gradient" });
  return first && createResiduals(arithmetic, [first, ...others]);
}
