import { measuredTerms, metricNames, metricsOf, type TaskGraph } from "@latentweave/model";
import type { ParameterGroup } from "@latentweave/parameters";
import type { Tensor, Tf } from "../layers/tensorflow.ts";

/**
 * Flat tensors which, one after the other, are the groups with their padding. `gradients` holds one tensor per tensor
 * of the groups, in order; a missing one is zero (a tensor of the group that this loss does not reach).
 */
export function gradientPieces(
  tf: Tf,
  groups: readonly ParameterGroup[],
  gradients: readonly (Tensor | undefined)[],
): readonly Tensor[] {
  const pieces: Tensor[] = [];
  let next = 0;
  for (const group of groups) {
    group.tensors.forEach((placed, index) => {
      const gradient = gradients[next];
      next += 1;
      pieces.push(gradient ? tf.reshape(gradient, [-1]) : tf.zeros([placed.numbers]));
      const end = group.tensors[index + 1]?.offset ?? group.numbers;
      const padding = end - placed.offset - placed.numbers;
      if (padding > 0) pieces.push(tf.zeros([padding]));
    });
  }
  return pieces;
}

/** Numbers of the groups' pieces and then `count` rows of `samples`, as views. */
export function splitNumbers(
  values: Float32Array,
  groups: readonly ParameterGroup[],
  count: number,
  samples: number,
): { readonly gradients: readonly Float32Array[]; readonly rows: readonly Float32Array[] } {
  let at = 0;
  const take = (numbers: number): Float32Array => values.subarray(at, (at += numbers));
  return {
    gradients: groups.map((group) => take(group.numbers)),
    rows: Array.from({ length: count }, () => take(samples)),
  };
}

/**
 * The sums that `metricNames` names; `losses` and `metrics` hold values per sample, of each term and of each measured
 * one. @param weights of the terms @param labels how many samples have one, of each head some of whose are missing
 */
export function metricSums(
  graph: TaskGraph,
  samples: number,
  losses: readonly Float32Array[],
  metrics: readonly Float32Array[] | undefined,
  weights: readonly number[],
  labels: readonly number[],
): Float64Array {
  const sums = losses.map(sum);
  const total = weights.reduce((loss, weight, index) => loss + weight * (sums[index] ?? 0), 0);
  const values = [
    ...[samples, total, ...sums],
    ...(metrics ? metrics.map(sum) : measuredTerms(graph).flatMap((term) => metricsOf(term).map(() => 0))),
    ...labels,
  ];
  if (values.length !== metricNames(graph).length)
    throw new Error(
      `task "${graph.task}" yields ${values.length} sums, not one for each of its metric names`,
    );
  return Float64Array.from(values);
}

/** In float64 and in order, so that the result depends on nothing but the numbers. */
function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
