import type { LossTerm, MeasuredTerm, TaskGraph } from "./graph.ts";
import type { HeadTerm } from "./head-terms.ts";

/** What is summed for each kind of term that has a metric besides its loss, by sample. */
const metricsByKind: Readonly<Record<MeasuredTerm["kind"], readonly string[]>> = {
  /** Mean over the numbers of a sample. */
  reconstruction: ["squaredError"],
  /** 1 where the largest logit is the label's. */
  classification: ["correct"],
  /** Labels that are there and predicted (by a logit above 0), predicted alone, there alone. */
  multiLabel: ["truePositives", "falsePositives", "falseNegatives"],
  /** Mean over targets. */
  regression: ["squaredError"],
  gaussian: ["squaredError"],
  /** Half for a draw of the prior that is taken for one, half for a latent that is not. */
  discriminator: ["correct"],
};

/**
 * Names of the numbers that a micro-batch of this task yields besides its gradient: sums over samples, float64.
 * `samples` and `loss` always, then each loss term, then for evaluation the metrics of those that have some
 * (`NAME.METRIC`), then for each head some of whose labels are missing `NAME.labels`: how many samples have one, parts of
 * a sample included; what is said of such a head is sums over these.
 */
export function metricNames(graph: TaskGraph): readonly string[] {
  return [
    "samples",
    "loss",
    ...graph.losses.map((term) => term.name),
    ...measuredTerms(graph).flatMap((term) => metricsOf(term).map((metric) => `${term.name}.${metric}`)),
    ...partlyLabelled(graph).map((term) => `${term.name}.labels`),
  ];
}

export function metricsOf(term: MeasuredTerm): readonly string[] {
  return metricsByKind[term.kind];
}

export function measuredTerms({ losses }: TaskGraph): readonly MeasuredTerm[] {
  return losses.filter((term): term is MeasuredTerm => Object.hasOwn(metricsByKind, term.kind));
}

export function isHeadTerm(term: LossTerm): term is HeadTerm {
  return (
    term.kind !== "reconstruction" && term.kind !== "discriminator" && Object.hasOwn(metricsByKind, term.kind)
  );
}

/** Heads some of whose labels are missing. */
export function partlyLabelled({ losses }: TaskGraph): readonly HeadTerm[] {
  return losses.filter((term): term is HeadTerm => isHeadTerm(term) && term.labelled !== undefined);
}
