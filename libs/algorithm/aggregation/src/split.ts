import { rootLevel, type SlotRange } from "./tree.ts";

/**
 * Deals slots 0..slots−1 to workers as consecutive ranges, one per weight (an empty one where a weight is too small
 * for a slot), sized in proportion to the weights. A cut moves to the roundest slot number (a multiple of the largest
 * power of two) within a quarter of the smaller neighbouring share: whole subtrees mean fewer partials to push, and a
 * quarter bounds the imbalance paid for them. Which worker computes what never changes a bit of the result.
 *
 * @param weights relative speeds, finite, ≥ 0, not all zero. Throws RangeError otherwise.
 */
export function alignedSplit(slots: number, weights: readonly number[]): SlotRange[] {
  rootLevel(slots);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0) || !Number.isFinite(total) || weights.some((weight) => weight < 0)) {
    throw new RangeError("slots are dealt by weights that are finite, not negative and not all zero");
  }
  const ranges: SlotRange[] = [];
  const lastWorker = weights.findLastIndex((weight) => weight > 0);
  let start = 0;
  let passed = 0;
  weights.forEach((weight, worker) => {
    passed += weight;
    const ideal = (slots * passed) / total;
    const last = worker >= lastWorker;
    const share = slots / total;
    const reach = 0.25 * share * Math.min(weight, weights[worker + 1] ?? weight);
    const cut = last ? slots : roundestNear(ideal, reach);
    const end = weight === 0 ? start : Math.min(Math.max(cut, start), slots);
    ranges.push({ start, end });
    start = end;
  });
  return ranges;
}

/** The multiple of the largest power of two within `reach` of `ideal`; else the nearest integer (halves round up). */
function roundestNear(ideal: number, reach: number): number {
  let best = Math.floor(ideal + 0.5);
  for (let grain = 2; grain <= 2 * ideal; grain *= 2) {
    const candidate = grain * Math.floor(ideal / grain + 0.5);
    if (Math.abs(candidate - ideal) <= reach) best = candidate;
  }
  return best;
}
