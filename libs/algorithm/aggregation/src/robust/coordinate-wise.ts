import type { Arithmetic } from "@latentweave/arithmetic";
import type { CoordinateRule } from "@latentweave/plan";

/** Smallest float32 that is not denormal: below it the module's adder has zero, and so has this. */
const leastNormal = 1.1754943508222875e-38;

/**
 * Writes M times the coordinate-wise trimmed mean or median of M vectors (Yin et al., "Byzantine-Robust Distributed
 * Learning", ICML 2018), which takes the place of their sum. Each number is looked at by itself, so where the vectors are
 * cut changes no bit. Sums are float64, from the least number up, and are rounded to float32 once; the median of an even
 * number is the mean of the two in the middle.
 *
 * @param vectors pointers to `numbers` finite float32 each
 * @throws RangeError where nothing would be left of them
 */
export function coordinateWise(
  arithmetic: Pick<Arithmetic, "f32">,
  rule: CoordinateRule,
  vectors: readonly number[],
  into: number,
  numbers: number,
): void {
  const count = vectors.length;
  const cut = rule.kind === "median" ? (count - 1) >> 1 : rule.byzantine;
  if (count - 2 * cut < 1) throw new RangeError(`${count} micro-batches, ${cut} cut off on each side`);
  const scale = count / (count - 2 * cut);
  const views = vectors.map((pointer) => arithmetic.f32(pointer, numbers));
  const result = arithmetic.f32(into, numbers);
  const sorted = new Float64Array(count);
  for (let at = 0; at < numbers; at++) {
    for (let row = 0; row < count; row++) insert(sorted, row, (views[row] as Float32Array)[at] as number);
    let sum = 0;
    for (let row = cut; row < count - cut; row++) sum += sorted[row] as number;
    const value = Math.fround(sum * scale);
    result[at] = Math.abs(value) < leastNormal ? 0 : value;
  }
}

/** Into the first `filled` numbers, which are sorted. */
function insert(sorted: Float64Array, filled: number, value: number): void {
  let at = filled;
  while (at > 0 && (sorted[at - 1] as number) > value) {
    sorted[at] = sorted[at - 1] as number;
    at -= 1;
  }
  sorted[at] = value;
}
