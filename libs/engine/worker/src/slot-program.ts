import type { Arithmetic } from "@latentweave/arithmetic";
import type { Compute, MicroBatchResult } from "@latentweave/model";
import type { ParameterLayout } from "@latentweave/parameters";
import type { RoundPlan, RunSpec, StepPlan, TaskRound } from "@latentweave/plan";
import { createReplicas } from "./replicas.ts";
import type { MicroBatchRows, RowSource } from "./row-source.ts";

/** One slot of one task in one round of one step. */
export interface SlotPlace {
  readonly plan: StepPlan;
  readonly round: RoundPlan;
  readonly task: TaskRound;
  readonly slot: number;
  /** On weights that are read where the shards have them, of this timeline. */
  readonly mapped?: number;
  /** The result is given back (`reuse`). */
  readonly borrowed?: boolean;
}

/** What a slot contributes: in place of gradients there may be whatever the mode sums. */
export interface SlotResult extends MicroBatchResult {
  readonly samples: number;
}

/**
 * How a slot becomes a contribution: what a run's mode changes about a worker. A pure function of the step's weights,
 * the place and its rows.
 */
export interface SlotProgram {
  /** Weights of a version, as the shards tell them. */
  readonly setParameters: Compute["setParameters"];
  /**
   * Called while the weights are those of the step.
   * @param rows of the slot's first micro-batch
   * @param isWanted asked between two micro-batches
   * @returns undefined where it was not wanted any more
   */
  run(
    place: SlotPlace,
    rows: MicroBatchRows,
    isWanted: () => boolean | Promise<boolean>,
  ): Promise<SlotResult | undefined>;
  /** Nobody looks at the gradients of a borrowed result any more. */
  reuse(gradients: SlotResult["gradients"]): void;
}

export interface SlotProgramOptions {
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly arithmetic: Arithmetic;
  readonly compute: Compute;
  readonly source: RowSource;
}

export function createSlotProgram(options: SlotProgramOptions): SlotProgram {
  const { spec, compute } = options;
  if (spec.mode?.kind === "diloco") return createReplicas(options, spec.mode);
  return {
    setParameters: (slices) => compute.setParameters(slices),
    run: (place, rows) => runMicroBatch(compute, place, rows),
    reuse: (gradients) => compute.reuse?.(gradients),
  };
}

/** @param drawnAs the round by which random draws are keyed; the place's own where that is enough */
export async function runMicroBatch(
  compute: Compute,
  { plan, round, task, slot, mapped, borrowed = false }: SlotPlace,
  rows: MicroBatchRows,
  drawnAs = round.index,
): Promise<SlotResult> {
  const result = await compute.run({
    program: round.program,
    phase: plan.phase,
    step: plan.step,
    round: drawnAs,
    task: task.task,
    slot,
    samples: rows.samples,
    x: rows.x,
    columns: rows.columns,
    // Rows are read for one micro-batch and looked at by nobody else.
    given: true,
    ...(borrowed && { borrowed }),
    ...(mapped !== undefined && { mapped }),
  });
  return { ...result, samples: rows.samples };
}
