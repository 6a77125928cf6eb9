import { createLayout } from "@latentweave/parameters";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTensorRates } from "./tensor-rates.ts";

const initialiser = { kind: "constant", value: 0 } as const;
const layout = createLayout([
  {
    name: "shared/trunk",
    tasks: ["a", "b"],
    tensors: ["first", "second", "third"].map((name, i) => ({ name, shape: [20 * (i + 1)], initialiser })),
  },
]);
/** Numbers with their padding: tensors begin at multiples of 16. */
const numbers = layout.groups[0]?.numbers ?? 0;

describe("rates of tensors", () => {
  it("are one segment of factor 1 where the job says nothing", () => {
    expect(createTensorRates({}, layout).segments({ group: 0, start: 0, numbers })).toEqual([
      { offset: 0, numbers, factor: 1 },
    ]);
  });

  it("begin and end with their tensors, padding included", () => {
    const rates = createTensorRates({ rates: { second: 0 } }, layout);
    expect(rates.segments({ group: 0, start: 0, numbers })).toEqual(
      [
        { offset: 0, numbers: 32, factor: 1 },
        { offset: 32, numbers: 48, factor: 0 },
        { offset: 80, numbers: 60, factor: 1 },
      ].map((segment, i) => (i === 2 ? { ...segment, numbers: numbers - 80 } : segment)),
    );
  });

  it("cover every slice without a gap, and give each number the same factor however the group is cut", () => {
    const factor = fc.constantFrom(0, 0.5, 1, 2);
    fc.assert(
      fc.property(
        fc.record({ first: factor, second: factor, third: factor }),
        fc.array(fc.integer({ min: 1, max: numbers - 1 }), { maxLength: 4 }),
        (rates, cuts) => {
          const whole = each(createTensorRates({ rates }, layout).segments({ group: 0, start: 0, numbers }));
          const places = [0, ...new Set(cuts.toSorted((a, b) => a - b)), numbers];
          const own = createTensorRates({ rates }, layout);
          const parts = places.slice(1).flatMap((end, i) => {
            const start = places[i] ?? 0;
            return each(own.segments({ group: 0, start, numbers: end - start }));
          });
          expect(whole).toHaveLength(numbers);
          expect(parts).toEqual(whole);
        },
      ),
    );
  });
});

function each(segments: readonly { readonly numbers: number; readonly factor: number }[]): number[] {
  return segments.flatMap(({ numbers: count, factor }) => new Array<number>(count).fill(factor));
}
