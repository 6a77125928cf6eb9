import { type Arithmetic, randomKey } from "@latentweave/arithmetic";
import { combinerNamed, type CombinerState, type GuardDecision } from "@latentweave/multitask";
import type { RunSpec } from "@latentweave/plan";
import { createGuardedRule } from "./guarded-rule.ts";

/** The job's combiner with its state: one weight per task and step. Lives on the leader, for one run. */
export interface CombineRule {
  readonly needsGram: boolean;
  /** Call once per step, in order: the combiner's state moves on. */
  solve(input: {
    readonly gram: Float64Array | undefined;
    readonly losses: readonly number[];
    readonly step: number;
  }): readonly number[];
  /**
   * With a guard: the tasks' losses on held-out rows at a step that evaluates, before it is solved. Call once per such
   * step, in order.
   */
  watch?(evaluated: {
    readonly losses: readonly number[];
    readonly step: number;
    readonly last: boolean;
  }): readonly GuardDecision[];
  /** Why the newest solution is not the combiner's own; undefined where it is. */
  warning?(): string | undefined;
  /** The combiner's state after the newest step, as JSON: part of a checkpoint. */
  state(): string;
}

/** `restored`: a state as JSON from a checkpoint; without it the combiner begins anew. */
export function createCombineRule(spec: RunSpec, arithmetic: Arithmetic, restored?: string): CombineRule {
  return spec.guard
    ? createGuardedRule(spec, spec.guard, (own, state) => createPlainRule(own, arithmetic, state), restored)
    : createPlainRule(spec, arithmetic, restored);
}

function createPlainRule(spec: RunSpec, arithmetic: Arithmetic, restored: string | undefined): CombineRule {
  const combiner = combinerNamed(spec.combiner.name);
  const taskCount = spec.tasks.length;
  let warning: string | undefined;
  let text = restored ?? JSON.stringify(combiner.init(taskCount, spec.combiner.options));
  return {
    needsGram: combiner.needsGram,
    solve({ gram, losses, step }) {
      const key = randomKey(spec.seed, "combiner", combiner.name, step);
      const solved = combiner.solve({
        taskCount,
        gram,
        options: spec.combiner.options,
        // Gradients are those of weighted losses (update-rule.ts): a method must see the two of one function.
        losses: Float64Array.from(losses, (loss, task) => loss * (spec.tasks[task]?.weight ?? 1)),
        step,
        // Read back even without a restart: JSON has no minus zero, and both ways must give the same bits.
        state: JSON.parse(text) as CombinerState,
        key,
        arithmetic,
      });
      text = JSON.stringify(solved.state);
      warning = solved.warning;
      return [...solved.weights];
    },
    warning: () => warning,
    state: () => text,
  };
}
