import { loadArithmetic } from "@latentweave/arithmetic";
import type { CoordinateRule, WeighingRule } from "@latentweave/plan";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coordinateWise } from "./coordinate-wise.ts";
import { slotWeights } from "./slot-weights.ts";

const arithmetic = loadArithmetic();

type Vectors = readonly (readonly number[])[];

function gramOf(vectors: Vectors): Float64Array {
  return Float64Array.from(
    vectors.flatMap((a) => vectors.map((b) => a.reduce((sum, x, at) => sum + x * (b[at] as number), 0))),
  );
}

function weighed(rule: WeighingRule, vectors: Vectors): number[] {
  const weights = slotWeights(rule, gramOf(vectors), vectors.length);
  return (vectors[0] as readonly number[]).map((_, at) =>
    vectors.reduce((sum, vector, slot) => sum + (weights[slot] as number) * (vector[at] as number), 0),
  );
}

/** As a mean, in place of a sum. */
function byNumber(rule: CoordinateRule, vectors: Vectors): number[] {
  const numbers = vectors[0]?.length ?? 0;
  const pointers = vectors.map((vector) => {
    const pointer = arithmetic.allocate(numbers * 4);
    arithmetic.f32(pointer, numbers).set(vector);
    return pointer;
  });
  const into = arithmetic.allocate(numbers * 4);
  coordinateWise(arithmetic, rule, pointers, into, numbers);
  const result = [...arithmetic.f32(into, numbers)].map((value) => value / vectors.length);
  for (const pointer of [into, ...pointers]) arithmetic.free(pointer, numbers * 4);
  return result;
}

const krum = { kind: "krum", byzantine: 1 } as const;
const multiKrum = { kind: "multi-krum", byzantine: 1, select: null } as const;
const clipping = { kind: "centred-clipping", radius: null, iterations: 3 } as const;
const median = { kind: "median" } as const;
const trimmed = (byzantine: number): CoordinateRule => ({ kind: "trimmed-mean", byzantine });

/** Worked by hand. Krum's scores with two neighbours: 7.25, 3.25, 2.5, 4.25 and far more. */
const line = [[1], [2], [3.5], [4], [100]];

describe("known answers", () => {
  it("are those of five numbers, one of which is far away", () => {
    expect(weighed(krum, line)).toEqual([3.5]);
    expect(weighed(multiKrum, line)).toEqual([2.75]);
    expect(weighed({ ...multiKrum, select: 1 }, line)).toEqual([3.5]);
    expect(byNumber(median, line)).toEqual([3.5]);
    expect(byNumber(trimmed(1), line)[0]).toBeCloseTo(9.5 / 3, 6);
  });

  it("are those of centred clipping from 3.5 with the radius 1: 3.5 + (−1 −1 + 0 + 0.5 + 1)/5", () => {
    expect(weighed({ kind: "centred-clipping", radius: 1, iterations: 1 }, line)[0]).toBeCloseTo(3.4, 12);
    // From there: −1 −1 + 0.1 + 0.6 + 1.
    expect(weighed({ kind: "centred-clipping", radius: 1, iterations: 2 }, line)[0]).toBeCloseTo(3.34, 12);
  });

  it("are the mean of the two in the middle for the median of four", () => {
    expect(
      byNumber(median, [
        [1, 8],
        [2, 5],
        [4, 6],
        [9, 7],
      ]),
    ).toEqual([3, 6.5]);
  });

  it("is the first of two that are equally central", () => {
    expect([...slotWeights(krum, gramOf([[1], [2], [3], [4], [100]]), 5)]).toEqual([0, 1, 0, 0, 0]);
  });
});

const vectors = (slots: number, width = 3): fc.Arbitrary<number[][]> =>
  fc.array(
    fc.array(
      fc.integer({ min: -800, max: 800 }).map((value) => value / 64),
      { minLength: width, maxLength: width },
    ),
    { minLength: slots, maxLength: slots },
  );

const rules: readonly WeighingRule[] = [krum, multiKrum, clipping, { ...clipping, radius: 2 }];

describe("any micro-batches", () => {
  it("have weights that are at least 0 and add up to 1", () => {
    fc.assert(
      fc.property(vectors(7), fc.constantFrom(...rules), (all, rule) => {
        const weights = slotWeights(rule, gramOf(all), 7);
        expect(weights.every((weight) => weight >= 0)).toBe(true);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 9);
      }),
    );
  });

  it("come to the same in any order", () => {
    const shuffled = fc
      .tuple(vectors(7), fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }))
      .filter(([all]) => new Set(distances(all)).size === 21);
    fc.assert(
      fc.property(shuffled, ([all, order]) => {
        const other = order.map((at) => all[at] as number[]);
        for (const rule of rules) close(weighed(rule, other), weighed(rule, all));
        for (const rule of [median, trimmed(2)]) close(byNumber(rule, other), byNumber(rule, all));
      }),
      { numRuns: 60 },
    );
  });

  it("come to their mean where none of them is to be wrong", () => {
    fc.assert(
      fc.property(vectors(6), (all) => {
        const mean = (all[0] as number[]).map(
          (_, at) => all.reduce((sum, one) => sum + (one[at] as number), 0) / 6,
        );
        close(byNumber(trimmed(0), all), mean, 4);
        close(weighed({ ...clipping, radius: 1e9 }, all), mean);
      }),
    );
  });

  it("are moved no further than the right ones reach by two wrong ones, however far away these are", () => {
    const wrong = fc.tuple(vectors(5), vectors(2), fc.constantFrom(1, 10, 1e4));
    fc.assert(
      fc.property(wrong, ([right, others, scale]) => {
        const all = [...others.map((one) => one.map((value) => (value + 13) * scale)), ...right];
        const column = (at: number): number[] => right.map((one) => one[at] as number);
        const low = [0, 1, 2].map((at) => Math.min(...column(at)));
        const high = [0, 1, 2].map((at) => Math.max(...column(at)));
        for (const rule of [median, trimmed(2)])
          for (const [at, value] of byNumber(rule, all).entries()) {
            expect(value).toBeGreaterThanOrEqual((low[at] as number) - 1e-4);
            expect(value).toBeLessThanOrEqual((high[at] as number) + 1e-4);
          }
        // Krum's choice has a score of at most 3·reach², two right neighbours in it; clipping begins within 3·reach, and
        // is moved by at most 2/7 of what the right ones are away, three times.
        const reach = Math.hypot(...low.map((value, at) => (high[at] as number) - value));
        for (const rule of [{ ...krum, byzantine: 2 }, { ...multiKrum, byzantine: 2 }, clipping]) {
          const away = weighed(rule, all).map(
            (value, at) => value - ((low[at] as number) + (high[at] as number)) / 2,
          );
          expect(Math.hypot(...away)).toBeLessThanOrEqual(10 * reach + 0.1);
        }
      }),
    );
  });
});

describe("micro-batches that agree but for a far one", () => {
  it("are followed by every rule", () => {
    const all = [
      [1, 2],
      [1, 2],
      [1e6, -1e6],
      [1, 2],
      [1, 2],
    ];
    for (const rule of rules.slice(0, 3)) close(weighed(rule, all), [1, 2], 3);
    for (const rule of [median, trimmed(1)]) expect(byNumber(rule, all)).toEqual([1, 2]);
  });
});

describe("too few micro-batches", () => {
  it("are refused", () => {
    expect(() => slotWeights(krum, gramOf(line.slice(1)), 4)).toThrow(RangeError);
    expect(() => byNumber(trimmed(2), line.slice(1))).toThrow(RangeError);
  });
});

function distances(all: Vectors): number[] {
  return all.flatMap((a, row) =>
    all.slice(row + 1).map((b) => a.reduce((sum, value, at) => sum + (value - (b[at] as number)) ** 2, 0)),
  );
}

function close(found: readonly number[], expected: readonly number[], digits = 6): void {
  expect(found).toHaveLength(expected.length);
  for (const [at, value] of found.entries()) expect(value).toBeCloseTo(expected[at] as number, digits);
}
