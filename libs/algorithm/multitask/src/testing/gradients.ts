import fc from "fast-check";

/** T gradients of d numbers that are generic: no two depend on each other by accident, sizes differ by up to 100. */
export function gradientRows(
  tasks: { readonly min: number; readonly max: number },
  numbers: { readonly min: number; readonly max: number },
): fc.Arbitrary<number[][]> {
  return fc
    .tuple(fc.integer(tasks), fc.integer(numbers), fc.integer({ min: 1, max: 1e9 }))
    .map(([count, length, seed]) => {
      const draw = generator(seed);
      return Array.from({ length: count }, () => {
        const size = 10 ** (2 * draw() - 1);
        return Array.from({ length }, () => size * (2 * draw() - 1));
      });
    });
}

/** Uniform in [0, 1): Lehmer's generator modulo 2³¹ − 1 (Park, Miller). */
export function generator(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
