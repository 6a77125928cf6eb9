import type { Arithmetic } from "@latentweave/arithmetic";
import { type LossTerm, type TaskGraph } from "@latentweave/model";
import { sigmoid, softplus } from "./plain-compute-layers.ts";

/** As far from 0 and 1 as the compute library keeps probabilities without logits. */
const probabilityMargin = 1e-7;

/** What it can compute: plain reconstructions, and heads of which every row has its label. */
export type PlainTerm = Extract<LossTerm, { kind: "reconstruction" | "classification" | "regression" }>;

export interface PlainLoss {
  /** Unweighted, summed over the samples. */
  readonly sum: number;
  /** Node that the loss reads. */
  readonly node: number;
  /** Derivative of the sum with respect to that node's values. */
  readonly adjoints: Float64Array;
}

export interface PlainTargets {
  readonly samples: number;
  readonly x: ArrayLike<number>;
  readonly columns: Readonly<Record<string, ArrayLike<number>>>;
}

/** The graph's terms. @throws Error where there are others than plain reconstructions and heads */
export function plainTerms({ losses, task }: TaskGraph): readonly PlainTerm[] {
  const isPlain = (term: LossTerm): term is PlainTerm =>
    term.kind === "reconstruction"
      ? term.reduction === undefined &&
        term.target === undefined &&
        (term.loss === "bce" || term.loss === "mse")
      : (term.kind === "classification" || term.kind === "regression") && term.labelled === undefined;
  if (losses.every(isPlain)) return losses;
  throw new Error(`the plain compute cannot compute the loss of task "${task}"`);
}

/** Node whose values a term's loss reads. */
export function plainLossNode(term: PlainTerm): number {
  if (term.kind === "classification") return term.logits;
  if (term.kind === "reconstruction" && term.loss === "bce") return term.logits ?? term.prediction;
  return term.prediction;
}

/** Node whose values a term's metric reads. */
export function plainMetricNode(term: PlainTerm): number {
  return term.kind === "classification" ? term.logits : term.prediction;
}

export function plainLoss(
  term: PlainTerm,
  values: Float64Array,
  targets: PlainTargets,
  arithmetic: Arithmetic,
): PlainLoss {
  const node = plainLossNode(term);
  if (term.kind === "classification") return { node, ...softmaxLoss(term, values, targets, arithmetic) };
  const target = term.kind === "reconstruction" ? targets.x : columnOf(term.column, targets);
  const numbers = values.length / targets.samples;
  const one = elementLoss(term, arithmetic);
  const adjoints = new Float64Array(values.length);
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) {
    const { value, derivative } = one(values[i] as number, target[i] as number);
    sum += value;
    adjoints[i] = derivative / numbers;
  }
  return { node, sum: sum / numbers, adjoints };
}

/** The term's metric summed over the samples: correct answers, or mean squared differences. */
export function plainMetric(term: PlainTerm, values: Float64Array, targets: PlainTargets): number {
  if (term.kind === "classification") {
    const labels = columnOf(term.column, targets);
    let correct = 0;
    for (let sample = 0; sample < targets.samples; sample += 1) {
      const row = values.subarray(sample * term.classes, (sample + 1) * term.classes);
      if (row.indexOf(row.reduce((a, b) => Math.max(a, b))) === labels[sample]) correct += 1;
    }
    return correct;
  }
  const target = term.kind === "reconstruction" ? targets.x : columnOf(term.column, targets);
  return (
    values.reduce(
      (sum, value, i) => sum + (value - (target[i] as number)) * (value - (target[i] as number)),
      0,
    ) /
    (values.length / targets.samples)
  );
}

type ElementLoss = (value: number, target: number) => { value: number; derivative: number };

function elementLoss(
  term: Exclude<PlainTerm, { kind: "classification" }>,
  arithmetic: Arithmetic,
): ElementLoss {
  if (term.kind === "regression" || term.loss === "mse")
    return (y, t) => ({ value: (y - t) * (y - t), derivative: 2 * (y - t) });
  if (term.logits !== undefined)
    return (l, t) => ({ value: softplus(l, arithmetic) - t * l, derivative: sigmoid(l, arithmetic) - t });
  return (y, t) => {
    const p = Math.min(Math.max(y, probabilityMargin), 1 - probabilityMargin);
    return {
      value: -t * arithmetic.log(p) - (1 - t) * arithmetic.log(1 - p),
      derivative: p === y ? (p - t) / (p * (1 - p)) : 0,
    };
  };
}

function softmaxLoss(
  term: Extract<PlainTerm, { kind: "classification" }>,
  values: Float64Array,
  targets: PlainTargets,
  { exp, log }: Arithmetic,
): { sum: number; adjoints: Float64Array } {
  const labels = columnOf(term.column, targets);
  const adjoints = new Float64Array(values.length);
  let sum = 0;
  for (let sample = 0; sample < targets.samples; sample += 1) {
    const from = sample * term.classes;
    const row = values.subarray(from, from + term.classes);
    const highest = row.reduce((a, b) => Math.max(a, b));
    const powers = row.map((logit) => exp(logit - highest));
    const total = powers.reduce((a, b) => a + b, 0);
    const label = labels[sample] as number;
    if (!Number.isInteger(label) || label < 0 || label >= term.classes)
      throw new RangeError(`"${term.name}": label ${label} is none of the ${term.classes} classes`);
    sum += log(total) + highest - (row[label] as number);
    powers.forEach((power, i) => (adjoints[from + i] = power / total - (i === label ? 1 : 0)));
  }
  return { sum, adjoints };
}

function columnOf(column: string, { columns }: PlainTargets): ArrayLike<number> {
  const values = columns[column];
  if (!values) throw new Error(`the micro-batch lacks column "${column}"`);
  return values;
}
