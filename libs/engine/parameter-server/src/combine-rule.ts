import { type Arithmetic, randomKey } from "@latentweave/arithmetic";
import { combinerNamed, type CombinerState } from "@latentweave/multitask";
import type { RunSpec } from "@latentweave/plan";

/** The job's combiner with its state: one weight per task and step. Lives on the leader, for one run. */
export interface CombineRule {
  readonly needsGram: boolean;
  /** Call once per step, in order: the combiner's state moves on. */
  solve(input: {
    readonly gram: Float64Array | undefined;
    readonly losses: readonly number[];
    readonly step: number;
  }): readonly number[];
}

export function createCombineRule(spec: RunSpec, arithmetic: Arithmetic): CombineRule {
  const combiner = combinerNamed(spec.combiner.name);
  const taskCount = spec.tasks.length;
  let state: CombinerState = combiner.init(taskCount, spec.combiner.options);
  return {
    needsGram: combiner.needsGram,
    solve({ gram, losses, step }) {
      const key = randomKey(spec.seed, "combiner", combiner.name, step);
      const solved = combiner.solve({
        taskCount,
        gram,
        losses: Float64Array.from(losses),
        step,
        state,
        key,
        arithmetic,
      });
      state = solved.state;
      return [...solved.weights];
    },
  };
}
