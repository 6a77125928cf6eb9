import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestGrouping, groupingGain, type GainMatrix } from "./grouping.ts";

describe("the best grouping", () => {
  it("puts together who helps each other, and leaves alone who is harmed", () => {
    const gains: GainMatrix = [
      [null, 0.2, -0.1, -0.1],
      [0.2, null, -0.1, -0.1],
      [-0.1, -0.1, null, -0.3],
      [-0.1, -0.1, 0.1, null],
    ];
    expect(bestGrouping(gains, 4)).toEqual({ groups: [[0, 1], [2], [3]], gain: 0.1 });
  });

  it("weighs what one side gains against what the other loses", () => {
    expect(
      bestGrouping(
        [
          [null, 0.5],
          [-0.1, null],
        ],
        2,
      ),
    ).toEqual({ groups: [[0, 1]], gain: 0.2 });
    expect(
      bestGrouping(
        [
          [null, 0.1],
          [-0.5, null],
        ],
        2,
      )?.groups,
    ).toEqual([[0], [1]]);
  });

  it("never relies on a pair that was not measured, and says when it would have to", () => {
    const gains: GainMatrix = [
      [null, null, 1],
      [null, null, 1],
      [1, 1, null],
    ];
    expect(bestGrouping(gains, 3)?.groups.some((group) => group.includes(0) && group.includes(1))).toBe(
      false,
    );
    expect(bestGrouping(gains, 1)).toBeUndefined();
  });

  const matrix = (tasks: number): fc.Arbitrary<GainMatrix> =>
    fc.array(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: tasks, maxLength: tasks }), {
      minLength: tasks,
      maxLength: tasks,
    });

  it("gains at least what any other grouping does", () => {
    const colours = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(matrix(5), colours, (gains, colour) => {
        const groups = [0, 1, 2, 3, 4]
          .map((one) => colour.flatMap((own, task) => (own === one ? [task] : [])))
          .filter((group) => group.length > 0);
        expect(bestGrouping(gains, 5)?.gain).toBeGreaterThanOrEqual(
          (groupingGain(groups, gains) ?? 0) - 1e-12,
        );
      }),
    );
  });

  it("has each task once in at most so many groups, for many tasks too", () => {
    fc.assert(
      fc.property(matrix(11), fc.integer({ min: 1, max: 11 }), (gains, most) => {
        const found = bestGrouping(gains, most);
        expect(found?.groups.flat().sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        expect(found?.groups.length).toBeLessThanOrEqual(most);
        expect(found?.gain).toBeCloseTo(groupingGain(found?.groups ?? [], gains) ?? Number.NaN, 12);
      }),
      { numRuns: 25 },
    );
  });
});
