import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomKey } from "./key.ts";
import { permute } from "./permutation.ts";

const order = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, index) => permute(index, count, randomKey(seed, "order")));

describe("keyed permutations", () => {
  test("visit every index exactly once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.nat(1_000_000), (count, seed) => {
        expect(new Set(order(count, seed)).size).toBe(count);
        expect(order(count, seed).every((value) => value >= 0 && value < count)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("make every order of four about equally likely", () => {
    const counts = new Map<string, number>();
    const keys = 24_000;
    for (let seed = 0; seed < keys; seed++) {
      const name = order(4, seed).join("");
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(49.7); // 23 degrees of freedom, p = 0.001
  });

  test.each([2, 3, 5, 6, 7, 12])(
    "send each index to each place about equally often, for %i of them",
    (count) => {
      const keys = 6_000;
      const hits = new Array<number>(count * count).fill(0);
      for (let seed = 0; seed < keys; seed++) {
        order(count, seed).forEach(
          (value, index) => (hits[index * count + value] = (hits[index * count + value] ?? 0) + 1),
        );
      }
      const expected = keys / count;
      for (const hit of hits) expect(Math.abs(hit - expected)).toBeLessThan(5 * Math.sqrt(expected));
    },
  );

  test("leave neighbours unrelated in a large count", () => {
    const count = 60_000;
    const values = order(count, 3);
    const mean = (count - 1) / 2;
    const variance = (count * count - 1) / 12;
    for (const lag of [1, 2, 245]) {
      const sum = values.reduce(
        (s, value, i) => s + (value - mean) * ((values[(i + lag) % count] ?? 0) - mean),
        0,
      );
      expect(Math.abs(sum / count / variance)).toBeLessThan(4.5 / Math.sqrt(count));
    }
  });

  test("are exact for counts past 32 bits", () => {
    const key = randomKey(1, "large");
    const count = 2 ** 45 + 7;
    const values = Array.from({ length: 2000 }, (_, i) => permute(i * 1_000_003, count, key));
    expect(new Set(values).size).toBe(2000);
    expect(values.every((value) => Number.isSafeInteger(value) && value >= 0 && value < count)).toBe(true);
    expect(Math.max(...values)).toBeGreaterThan(count * 0.99);
  });

  test.each([
    [0, 0],
    [5, 5],
    [-1, 5],
    [0.5, 5],
    [0, 2 ** 53],
    [0, Number.NaN],
  ])("refuse index %d of %d", (index, count) => {
    expect(() => permute(index, count, randomKey(1))).toThrow(RangeError);
  });
});
