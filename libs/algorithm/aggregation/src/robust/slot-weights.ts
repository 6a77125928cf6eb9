import type { WeighingRule } from "@latentweave/plan";

/**
 * What each of a task's micro-batches weighs, as the rule has it: the task's gradient is Σ_s weights[s]·g_s, and the
 * weights add up to 1. All that is asked for is the micro-batches' Gram matrix, so that any number of shards, each with
 * its part of the sums, gives the same bits.
 *
 * @param gram row-major M×M inner products of the micro-batches
 * @throws RangeError where a rule has too few micro-batches for what it is to bear
 */
export function slotWeights(rule: WeighingRule, gram: Float64Array, slots: number): Float64Array {
  if (rule.kind === "centred-clipping") return centredClipping(rule, gram, slots);
  const { byzantine } = rule;
  if (slots < leastSlots(rule))
    throw new RangeError(`${rule.kind} over ${slots} micro-batches, ${byzantine} wrong`);
  const select = rule.kind === "krum" ? 1 : (rule.select ?? slots - byzantine - 2);
  const scores = krumScores(gram, slots, slots - byzantine - 2);
  const order = Array.from(scores.keys()).sort(
    (a, b) => (scores[a] as number) - (scores[b] as number) || a - b,
  );
  const weights = new Float64Array(slots);
  for (const slot of order.slice(0, select)) weights[slot] = 1 / select;
  return weights;
}

/** Blanchard et al., 2017: f of n may be wrong where 2f + 2 < n. */
export function leastSlots({ byzantine }: { readonly byzantine: number }): number {
  return 2 * byzantine + 3;
}

/**
 * Krum (Blanchard et al., "Machine Learning with Adversaries", NeurIPS 2017): the sum of the squared distances to so many
 * nearest others. The one with the least is the most central; of two that are alike the first.
 */
function krumScores(gram: Float64Array, slots: number, neighbours: number): Float64Array {
  return Float64Array.from({ length: slots }, (_, slot) =>
    others(slots, slot)
      .map((other) => distanceSquared(gram, slots, slot, other))
      .sort((a, b) => a - b)
      .slice(0, neighbours)
      .reduce((sum, distance) => sum + distance, 0),
  );
}

/**
 * Centred clipping (Karimireddy et al., "Learning from History for Byzantine Robust Optimization", ICML 2021):
 * v ← v + mean_s min(1, τ/‖g_s − v‖)·(g_s − v), some times over. The paper begins with v of the step before and has τ given.
 * Here v begins at the micro-batch with the least sum of distances to the others, so that nothing has to be remembered
 * but the weights of this step; and τ, where the job names none, is the median of the distances from v.
 */
function centredClipping(
  { radius, iterations }: Extract<WeighingRule, { kind: "centred-clipping" }>,
  gram: Float64Array,
  slots: number,
): Float64Array {
  let weights = new Float64Array(slots);
  weights[medoid(gram, slots)] = 1;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const distances = distancesFrom(weights, gram, slots);
    const bound = radius ?? medianOf(distances);
    const shares = distances.map((distance) => (distance > bound ? bound / distance : 1));
    const taken = shares.reduce((sum, share) => sum + share, 0) / slots;
    weights = weights.map((weight, slot) => weight * (1 - taken) + (shares[slot] as number) / slots);
  }
  return weights;
}

function medoid(gram: Float64Array, slots: number): number {
  const sums = Array.from({ length: slots }, (_, slot) =>
    others(slots, slot).reduce((sum, other) => sum + Math.sqrt(distanceSquared(gram, slots, slot, other)), 0),
  );
  return sums.indexOf(Math.min(...sums));
}

/** ‖g_s − Σ_r w_r·g_r‖ = √(G_ss − 2(Gw)_s + wᵀGw), of every s. */
function distancesFrom(weights: Float64Array, gram: Float64Array, slots: number): Float64Array {
  const products = Float64Array.from({ length: slots }, (_, row) =>
    weights.reduce((sum, weight, column) => sum + weight * (gram[row * slots + column] as number), 0),
  );
  const square = weights.reduce((sum, weight, slot) => sum + weight * (products[slot] as number), 0);
  return products.map((product, slot) =>
    Math.sqrt(Math.max(0, (gram[slot * slots + slot] as number) - 2 * product + square)),
  );
}

function distanceSquared(gram: Float64Array, slots: number, a: number, b: number): number {
  const at = (row: number, column: number): number => gram[row * slots + column] as number;
  return Math.max(0, at(a, a) + at(b, b) - 2 * at(a, b));
}

/** Of an even number of them the lower of the two in the middle. */
function medianOf(values: Float64Array): number {
  return values.slice().sort()[(values.length - 1) >> 1] as number;
}

function others(slots: number, slot: number): number[] {
  return Array.from({ length: slots }, (_, other) => other).filter((other) => other !== slot);
}
