/**
 * Where a gradient is not the slope of a loss in float64, differentiated numerically.
 * @param values of one tensor, at which `loss` looks; they are what they were afterwards
 * @param ours the gradient by them, beginning at `offset`
 */
export function wrongSlopes(
  name: string,
  values: number[],
  loss: () => number,
  ours: Float32Array | undefined,
  offset: number,
): string[] {
  return [...values].flatMap((value, i) => {
    const at = (step: number): number => {
      values[i] = value + step;
      return loss();
    };
    const expected = (at(1e-6) - at(-1e-6)) / 2e-6;
    values[i] = value;
    const slope = ours?.[offset + i] ?? NaN;
    if (Math.abs(slope - expected) < 1e-4 * Math.max(1, Math.abs(expected))) return [];
    return [`${name}[${i}]: ${slope} instead of ${expected}`];
  });
}
