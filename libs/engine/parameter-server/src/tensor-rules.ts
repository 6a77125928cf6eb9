import { createOptimiser, type Optimiser } from "@latentweave/optim";
import type { ParameterLayout, PlacedTensor, Slice } from "@latentweave/parameters";
import { type RunSpec, serverOptimiser, optimiserStates } from "@latentweave/plan";

/** What updates a tensor. */
export interface TensorRule {
  readonly optimiser: Optimiser;
  /** States that the tensor has because others need them; they stay as they are. */
  readonly idleStates: readonly string[];
  /** Of another optimiser than the job's own: its learning rate before any schedule. */
  readonly ownRate?: number;
}

/** Numbers of a slice that one rule updates, with one factor of the learning rate. */
export interface RuleSegment {
  /** From the slice's first number. */
  readonly offset: number;
  readonly numbers: number;
  readonly rule: TensorRule;
  /** 0: they stay as they are. An average has no learning rate: 1 where it is not 0. */
  readonly factor: number;
}

/** How tensors learn. */
export interface TensorRules {
  /** In order, without gaps; one of factor 1 and the job's optimiser where the job says nothing of the slice's tensors. */
  segments(slice: Slice): readonly RuleSegment[];
}

/** Whether what arrives for these numbers is a gradient that is used: part of norms and of products. */
export function isTrained({ rule, factor }: RuleSegment): boolean {
  return factor > 0 && !isAverage(rule);
}

/** Whether what arrives is a statistic, which counts as it is. */
export function isAverage({ optimiser }: TensorRule): boolean {
  return optimiser.kind === "movingAverage";
}

type RulesSpec = Pick<RunSpec, "mode" | "optimiser" | "optimisers" | "rates">;

export function createTensorRules(spec: RulesSpec, layout: ParameterLayout): TensorRules {
  const known = new Map<string, readonly RuleSegment[]>();
  const ruleOf = createRules(spec);
  return {
    segments(slice) {
      const key = `${slice.group}:${slice.start}`;
      const found = known.get(key);
      if (found) return found;
      const made = segmentsOf(slice, spec.rates ?? {}, ruleOf, layout);
      known.set(key, made);
      return made;
    },
  };
}

/** The same object for tensors of the same rule, so that neighbours become one segment. */
function createRules(spec: RulesSpec): (tensor: PlacedTensor) => TensorRule {
  const states = optimiserStates(spec);
  const ruleBy = (optimiser: Optimiser): TensorRule => ({
    optimiser,
    idleStates: states.filter((name) => !optimiser.stateNames.includes(name)),
  });
  const own = ruleBy(createOptimiser(serverOptimiser(spec)));
  const others = new Map<string, TensorRule>();
  return ({ name, movingAverage }) => {
    const config = movingAverage
      ? ({ kind: "movingAverage", ...movingAverage } as const)
      : spec.optimisers?.[name];
    if (!config) return own;
    const key = JSON.stringify(config);
    let rule = others.get(key);
    if (!rule) {
      rule = {
        ...ruleBy(createOptimiser(config)),
        ...("learningRate" in config && { ownRate: config.learningRate }),
      };
      others.set(key, rule);
    }
    return rule;
  };
}

function segmentsOf(
  slice: Slice,
  rates: Readonly<Record<string, number>>,
  ruleOf: (tensor: PlacedTensor) => TensorRule,
  layout: ParameterLayout,
): readonly RuleSegment[] {
  const segments: { offset: number; numbers: number; rule: TensorRule; factor: number }[] = [];
  const tensors = layout.groups[slice.group]?.tensors ?? [];
  const end = slice.start + slice.numbers;
  for (const [index, tensor] of tensors.entries()) {
    // Padding goes with the tensor before it: its gradient is zero.
    const from = Math.max(tensor.offset, slice.start);
    const to = Math.min(tensors[index + 1]?.offset ?? Number.MAX_SAFE_INTEGER, end);
    if (from >= to) continue;
    const rule = ruleOf(tensor);
    const rate = rates[tensor.name] ?? 1;
    const factor = isAverage(rule) ? Math.sign(rate) : rate;
    const last = segments.at(-1);
    if (last?.factor === factor && last.rule === rule) last.numbers += to - from;
    else segments.push({ offset: from - slice.start, numbers: to - from, rule, factor });
  }
  return segments;
}
