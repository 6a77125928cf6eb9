import type { Arithmetic } from "@latentweave/arithmetic";
import type { TaskGraph } from "@latentweave/model";
import { createOptimiser, learningRateAt, type Optimiser } from "@latentweave/optim";
import type { ParameterGroup, ParameterLayout } from "@latentweave/parameters";
import type { DilocoSpec, RunSpec, StepPlan } from "@latentweave/plan";
import { createLentWeights } from "./lent-weights.ts";
import type { MicroBatchRows } from "./row-source.ts";
import { runMicroBatch, type SlotPlace, type SlotProgram, type SlotProgramOptions } from "./slot-program.ts";

/**
 * DiLoCo's inner loop: a slot is a replica. From the weights of the step's version it takes `innerSteps` steps of the
 * job's optimiser on the task's own groups, each on one micro-batch, and contributes before − after.
 *
 * Invariants:
 * 1. A contribution depends on the step's weights and the plan alone: optimiser states begin at zero in every step, so
 *    that a replica has no history and any worker may take it up.
 * 2. When `run` has returned, the device holds the newest weights that the shards have told again.
 */
export function createReplicas(options: SlotProgramOptions, { innerSteps }: DilocoSpec): SlotProgram {
  const { spec, layout, arithmetic, compute, source } = options;
  const weights = createLentWeights(layout, compute);
  const optimiser = createOptimiser(spec.optimiser);

  const runReplica = async (
    place: SlotPlace,
    first: MicroBatchRows,
    isWanted: Parameters<SlotProgram["run"]>[2],
  ): ReturnType<SlotProgram["run"]> => {
    const { plan, round, task, slot } = place;
    const groups = groupsOf(spec, layout, place);
    const vectors = groups.map((group) => createVectors(arithmetic, optimiser, weights.of(group)));
    const read = (inner: number): Promise<MicroBatchRows> => {
      const rows = source.read(plan, round, task, slot, inner);
      // Awaited later, or not at all.
      rows.catch(() => undefined);
      return rows;
    };
    const weight = spec.tasks[task.taskIndex]?.weight ?? 1;
    const learningRate = rateOf(spec, plan, arithmetic);
    let ahead: Promise<MicroBatchRows> = Promise.resolve(first);
    let metrics: Float64Array | undefined;
    let samples = 0;
    try {
      for (let inner = 0; inner < innerSteps; inner += 1) {
        if (inner > 0 && !(await isWanted())) return undefined;
        const rows = await ahead;
        if (inner + 1 < innerSteps) ahead = read(inner + 1);
        const drawnAs = round.index + inner * plan.rounds.length;
        const result = await runMicroBatch(compute, { ...place, borrowed: true }, rows, drawnAs);
        for (const [index, own] of vectors.entries())
          own.update(result.gradients[index] as Float32Array, {
            updateIndex: inner + 1,
            learningRate,
            gradientScale: weight / rows.samples,
          });
        compute.reuse?.(result.gradients);
        metrics = metrics?.map((sum, index) => sum + (result.metrics[index] ?? 0)) ?? result.metrics;
        samples += rows.samples;
        if (inner + 1 < innerSteps)
          await weights.lend(
            groups,
            vectors.map((own) => own.present()),
          );
      }
      return {
        gradients: vectors.map((own) => own.way()),
        metrics: metrics ?? new Float64Array(),
        samples,
      };
    } finally {
      for (const own of vectors) own.free();
      await weights.giveBack();
    }
  };

  return {
    setParameters: (slices) => weights.set(slices),
    run: (place, rows, isWanted) =>
      place.round.program === "gradient"
        ? runReplica(place, rows, isWanted)
        : runMicroBatch(compute, place, rows),
    // A replica's contribution is no result of the device's.
    reuse: () => undefined,
  };
}

function groupsOf(spec: RunSpec, layout: ParameterLayout, { plan, task }: SlotPlace): ParameterGroup[] {
  const graph = spec.phases[plan.phase]?.graphs.find((entry) => entry.task === task.task) as TaskGraph;
  return graph.groups.map((name) => layout.groups.find((group) => group.name === name) as ParameterGroup);
}

/** The schedule counts outer steps: the rate is the same for all inner steps of one. */
function rateOf(spec: RunSpec, plan: StepPlan, arithmetic: Arithmetic): number {
  const steps = spec.phases[plan.phase]?.steps ?? 0;
  return learningRateAt(spec.schedule, spec.optimiser.learningRate, plan.phaseStep, steps, arithmetic);
}

/** One group of a replica: where it began, where it is, and its optimiser's state. */
interface ReplicaVectors {
  update(
    gradient: Float32Array,
    rule: {
      readonly updateIndex: number;
      readonly learningRate: number;
      readonly gradientScale: number;
    },
  ): void;
  /** A copy. */
  present(): Float32Array;
  /** Before − after; call once. */
  way(): Float32Array;
  free(): void;
}

function createVectors(
  arithmetic: Arithmetic,
  optimiser: Optimiser,
  start: Readonly<Float32Array>,
): ReplicaVectors {
  const numbers = start.length;
  const allocate = (): number => arithmetic.allocate(numbers * 4);
  const [before, params, gradient] = [allocate(), allocate(), allocate()];
  const state = optimiser.stateNames.map(allocate);
  for (const pointer of [before, params]) arithmetic.f32(pointer, numbers).set(start);
  optimiser.init(arithmetic, state, numbers);
  return {
    update(values, rule) {
      arithmetic.f32(gradient, numbers).set(values);
      optimiser.update(arithmetic, {
        ...{ params, next: params, gradient, state, nextState: state, numbers },
        ...rule,
      });
    },
    present: () => arithmetic.f32(params, numbers).slice(),
    way() {
      arithmetic.accumulate(before, params, -1, numbers);
      return arithmetic.f32(before, numbers).slice();
    },
    free() {
      for (const pointer of [before, params, gradient, ...state]) arithmetic.free(pointer, numbers * 4);
    },
  };
}
