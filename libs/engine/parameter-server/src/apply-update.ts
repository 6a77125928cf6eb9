import type { Agreement, StepReduction } from "@latentweave/aggregation";
import type { Arithmetic, ElementKernels } from "@latentweave/arithmetic";
import { combineBlock } from "@latentweave/multitask";
import { blockNumbers, type ParameterLayout } from "@latentweave/parameters";
import { averageSection, owedSection, type RunSpec, type StepPlan, totalSteps } from "@latentweave/plan";
import type { OwnedSlice, OwnedState } from "./owned-state.ts";
import type { ChangedSlice } from "./publication.ts";
import type { ChangeRounder } from "./round-change.ts";
import type { Relatedness } from "./relatedness.ts";
import { isAverage, type RuleSegment, type TensorRules } from "./tensor-rules.ts";
import { updateIndex } from "./update-index.ts";
import type { UpdateRule } from "./update-rule.ts";

export interface Decision {
  /** One per task in job order; applied where a group is shared, and to private ones where the job says so. */
  readonly weights: readonly number[];
  /** Clipping of the combined gradient; 1 when none. */
  readonly scale: number;
  readonly learningRate: number;
  /** What the mode makes of every learning rate in this step; in `learningRate` it is already. Default 1. */
  readonly rateShare?: number;
  /** What each of a task's slots counts, by task in job order, where a robust rule weighs them. */
  readonly slots?: readonly (readonly number[])[] | undefined;
  /** Tasks whose gradients are not applied: what they alone use stays as it is. */
  readonly leftOut?: readonly string[];
}

interface Term {
  readonly pointer: number;
  readonly coefficient: number;
  /** The same where what is summed are statistics: as they are, of every task that counts at all. */
  readonly statistic: 0 | 1;
}

/**
 * Writes version n+1 of every owned slice beside version n: combines the task gradients in job order, adds λ·∇Ω, and
 * lets each tensor's optimiser update, one cache-sized block after the other. Slices that no task of this step uses are
 * copied. An Ω with a proximal step takes it then.
 *
 * @returns the slices that changed, encoded where the job rounds what a step changes
 */
export function applyUpdate(options: {
  readonly arithmetic: Arithmetic;
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  readonly plan: StepPlan;
  readonly state: OwnedState;
  readonly reduction: StepReduction;
  readonly optimiserStates: readonly string[];
  readonly rule: UpdateRule;
  readonly rules: TensorRules;
  readonly relatedness: Relatedness | undefined;
  readonly rounder: ChangeRounder | undefined;
  readonly agreement?: Agreement | undefined;
  readonly decision: Decision;
  /** Room for one block. */
  readonly scratch: number;
}): ChangedSlice[] {
  const {
    arithmetic,
    spec,
    layout,
    plan,
    state,
    reduction,
    optimiserStates,
    rule,
    rules,
    relatedness,
    rounder,
    decision,
    scratch,
  } = options;
  const changed: ChangedSlice[] = [];
  state.beginAdvance();
  const owes = state.stateNames.includes(owedSection);
  const decay = state.stateNames.includes(averageSection) ? spec.average?.decay : undefined;
  relatedness?.begin(state);
  for (const slice of state.slices) {
    const isWeighed = spec.combiner.scalesPrivate === true || (layout.groups[slice.group]?.shared ?? false);
    const terms: Term[] = [];
    for (const task of reduction.tasks) {
      if (decision.leftOut?.includes(task.plan.task)) continue;
      const own = task.slices.find(
        (entry) => entry.slice.group === slice.group && entry.slice.start === slice.start,
      );
      if (!own) continue;
      const weight = isWeighed ? (decision.weights[task.plan.taskIndex] ?? 1) : 1;
      const coefficient = rule.share(task.plan) * weight * decision.scale;
      const statistic = weight === 0 ? 0 : 1;
      const counts = decision.slots?.[task.plan.taskIndex];
      if (!counts || !own.apart) terms.push({ pointer: own.reducer.result(), coefficient, statistic });
      else
        for (const [slot, pointer] of own.apart.all().entries())
          // Zero times a number is not left out: it costs a pass.
          if (counts[slot] !== 0)
            terms.push({ pointer, coefficient: coefficient * (counts[slot] as number), statistic });
    }
    const segments = rules.segments(slice);
    if (terms.length === 0 || segments.every(({ factor }) => factor === 0)) {
      copyAhead(arithmetic, state, slice);
      continue;
    }
    const index = updateIndex(spec, layout, slice.group, plan);
    if (index === 1) zeroStates(arithmetic, optimiserStates, state, slice);
    const rounded = rounder?.open(slice.numbers, state.version + 1 >= totalSteps(spec), options.agreement);
    // What looks at a block between two operations, or after them, has it by itself.
    const isOneByOne = rounded !== undefined || relatedness !== undefined;
    for (const { offset, numbers, rule: own, factor } of isOneByOne ? blocksOf(segments) : segments) {
      if (factor === 0) {
        copyAhead(arithmetic, state, slice, offset, numbers);
        continue;
      }
      const at = (section: string, ahead: 0 | 1): number => state.pointer(slice, section, ahead) + offset * 4;
      const [params, next] = [at("parameters", 0), at("parameters", 1)];
      const [owed, nextOwed] = owes ? [at(owedSection, 0), at(owedSection, 1)] : [];
      const { optimiser, idleStates, ownRate } = own;
      const learningRate =
        ownRate === undefined
          ? decision.learningRate
          : rule.rateAt(plan, ownRate) * (decision.rateShare ?? 1);
      const combine = (kernels: ElementKernels, into: number): void =>
        combineBlock(kernels, {
          gradients: terms.map(({ pointer }) => pointer + offset * 4),
          weights: terms.map(({ coefficient, statistic }) => (isAverage(own) ? statistic : coefficient)),
          ...{ into, numbers },
        });
      const update = (kernels: ElementKernels, gradient: number): void =>
        optimiser.update(kernels, {
          params: rounded?.exact({ params, owed, numbers }) ?? params,
          ...{ next, gradient },
          state: optimiser.stateNames.map((name) => at(name, 0)),
          nextState: optimiser.stateNames.map((name) => at(name, 1)),
          ...{ numbers, updateIndex: index },
          learningRate: learningRate * factor,
        });
      copyAhead(arithmetic, state, slice, offset, numbers, idleStates);
      if (isOneByOne) {
        combine(arithmetic, scratch);
        if (!isAverage(own)) relatedness?.addGradient(state, slice, offset, numbers, scratch);
        update(arithmetic, scratch);
        rounded?.round({ params, next, owed, nextOwed, scratch, offset, numbers });
      } else {
        arithmetic.inBlocks(numbers, (kernels, gradient) => {
          combine(kernels, gradient);
          update(kernels, gradient);
          if (numbers === slice.numbers)
            kernels.digestInto(state.digests.coming(slice, state.version + 1), next, numbers);
        });
      }
    }
    changed.push({ slice, encoded: rounded?.encoded, ...(rounded?.kind && { kind: rounded.kind }) });
  }
  const updated = new Set(changed.map(({ slice }) => slice.group));
  for (const slice of relatedness?.finish(state, updated, decision.learningRate) ?? [])
    changed.push({ slice, encoded: undefined });
  if (decay !== undefined)
    for (const slice of new Set(changed.map((one) => one.slice))) average(arithmetic, state, slice, decay);
  state.advance();
  return changed;
}

/**
 * average ← decay·average + (1 − decay)·weights, after everything else that a step does to the weights. It begins with the
 * weights of version 0. What a step leaves as it is, it leaves out here too.
 */
function average(arithmetic: Arithmetic, state: OwnedState, slice: OwnedSlice, decay: number): void {
  const before = state.pointer(slice, state.version === 0 ? "parameters" : averageSection, 0);
  const [next, weights] = [averageSection, "parameters"].map((section) =>
    state.pointer(slice, section, 1),
  ) as [number, number];
  arithmetic.inBlocks(slice.numbers, (kernels) => {
    kernels.scaleInto(next, before, decay, slice.numbers);
    kernels.accumulate(next, weights, 1 - decay, slice.numbers);
  });
}

/** Blocks, each of one rule and rate. */
function blocksOf(segments: readonly RuleSegment[]): RuleSegment[] {
  return segments.flatMap((segment) =>
    Array.from({ length: Math.ceil(segment.numbers / blockNumbers) }, (_, index) => ({
      ...segment,
      offset: segment.offset + index * blockNumbers,
      numbers: Math.min(blockNumbers, segment.numbers - index * blockNumbers),
    })),
  );
}

function copyAhead(
  arithmetic: Arithmetic,
  state: OwnedState,
  slice: OwnedSlice,
  offset = 0,
  numbers = slice.numbers,
  sections: readonly string[] = ["parameters", ...state.stateNames],
): void {
  for (const section of sections) {
    const at = (of: string, ahead: 0 | 1): Uint8Array =>
      arithmetic.u8(state.pointer(slice, of, ahead) + offset * 4, numbers * 4);
    const isFirst = section === averageSection && state.version === 0;
    at(section, 1).set(at(isFirst ? "parameters" : section, 0));
  }
}

/** The first update since the optimiser was reset starts from zero state, whatever an earlier phase left. */
function zeroStates(
  arithmetic: Arithmetic,
  optimiserStates: readonly string[],
  state: OwnedState,
  slice: OwnedSlice,
): void {
  for (const name of optimiserStates) arithmetic.fill(state.pointer(slice, name, 0), 0, slice.numbers);
}
