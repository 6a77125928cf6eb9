import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { alignedSplit } from "./split.ts";
import { maximalNodes } from "./tree.ts";

const widths = (slots: number, weights: number[]) =>
  alignedSplit(slots, weights).map(({ start, end }) => end - start);

describe("dealing slots to workers", () => {
  test("halves and quarters a power of two", () => {
    expect(widths(16, [1, 1])).toEqual([8, 8]);
    expect(widths(16, [2, 2, 2, 2])).toEqual([4, 4, 4, 4]);
  });

  test("follows the weights", () => {
    expect(widths(16, [3, 1])).toEqual([12, 4]);
    expect(widths(8, [0, 1, 0])).toEqual([0, 8, 0]);
  });

  test("moves a cut to a whole subtree where that costs little", () => {
    // 53% of 64 is 34: handing over two slots leaves one node each instead of two.
    expect(widths(64, [53, 47])).toEqual([32, 32]);
    expect(widths(64, [3, 1])).toEqual([48, 16]);
  });

  test("covers every slot once, in order, and never strays further than a third of a share plus one slot", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 9 }),
        (slots, weights) => {
          const ranges = alignedSplit(slots, weights);
          expect(ranges.length).toBe(weights.length);
          const total = weights.reduce((a, b) => a + b, 0);
          let at = 0;
          ranges.forEach(({ start, end }, worker) => {
            expect(start).toBe(at);
            expect(end).toBeGreaterThanOrEqual(start);
            const share = (slots * (weights[worker] ?? 0)) / total;
            expect(Math.abs(end - start - share)).toBeLessThanOrEqual(
              Math.max(0.5 * share, 1) + 0.25 * share,
            );
            at = end;
          });
          expect(at).toBe(slots);
        },
      ),
    );
  });

  test("leaves no equal worker idle while there are slots enough", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(60), (workers, extra) => {
        const ranges = alignedSplit(workers + extra, new Array<number>(workers).fill(1));
        for (const { start, end } of ranges) expect(end).toBeGreaterThan(start);
      }),
    );
  });

  test("costs few partials: eight equal workers on 96 slots push at most three nodes each", () => {
    const counts = alignedSplit(96, new Array<number>(8).fill(1)).map(
      ({ start, end }) => maximalNodes(start, end, 96).length,
    );
    expect(Math.max(...counts)).toBeLessThanOrEqual(3);
  });

  test.each([[[]], [[0, 0]], [[1, -1]], [[Number.NaN]], [[Infinity, 1]]])("refuses weights %j", (weights) => {
    expect(() => alignedSplit(8, weights)).toThrow(RangeError);
  });
});
