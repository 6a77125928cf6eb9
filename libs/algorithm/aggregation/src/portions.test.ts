import fc from "fast-check";
import { expect, it } from "vitest";
import { portionField, portionsOf } from "./portions.ts";

it("portions follow each other over all payloads, each as large as it may be", () => {
  const sizes = fc.array(fc.nat({ max: 9 }), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 20 }), (bytes, most) => {
      const portions = portionsOf(bytes, most);
      expect(portions.flatMap(([from, to]) => bytes.slice(from, to))).toEqual(bytes);
      const sums = portions.map(([from, to]) => bytes.slice(from, to).reduce((sum, own) => sum + own, 0));
      for (const [at, [from, to]] of portions.entries()) {
        // One payload may be more than a portion; nothing else is, and the next one would not have gone with it.
        const large = bytes.slice(from, to).filter((own) => own > 0).length;
        if (large > 1) expect(sums[at]).toBeLessThanOrEqual(most);
        if (at + 1 < portions.length) expect((sums[at] ?? 0) + (bytes[to] ?? 0)).toBeGreaterThan(most);
      }
    }),
  );
});

it("a whole contribution is no portion, and nothing is cut where nothing is said", () => {
  expect(portionsOf([1, 2, 3])).toEqual([[0, 3]]);
  expect([portionField(0, 3, 3), portionField(1, 2, 3)]).toEqual([{}, { portion: { from: 1, of: 3 } }]);
});
