import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endOf, placeOf } from "./ring.ts";

const ringBytes = fc.integer({ min: 1, max: 60 }).map((pages) => pages * 4096);

describe("places of slices in a ring", () => {
  it("are whole, aligned, in order, and the same for whoever counts", () => {
    fc.assert(
      fc.property(
        ringBytes,
        fc.nat(10_000_000),
        fc.array(fc.nat(5000), { maxLength: 8 }),
        (ring, from, lengths) => {
          const fitting = lengths.map((length) => Math.min(length, ring));
          let at = from;
          for (const length of fitting) {
            const start = placeOf(at, length, ring);
            expect(start).toBeGreaterThanOrEqual(at);
            expect(start % 64).toBe(0);
            expect((start % ring) + length).toBeLessThanOrEqual(ring);
            at = start + length;
          }
          expect(endOf(from, fitting, ring)).toBe(at);
        },
      ),
    );
  });
});
