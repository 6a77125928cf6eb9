import { createLayout } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTensorRules, isTrained, type RuleSegment } from "./tensor-rules.ts";

const initialiser = { kind: "constant", value: 0 } as const;
const layout = createLayout([
  {
    name: "shared/trunk",
    tasks: ["a", "b"],
    tensors: ["first", "second", "third"].map((name, i) => ({ name, shape: [20 * (i + 1)], initialiser })),
  },
  {
    name: "shared/codebook",
    tasks: ["a", "b"],
    tensors: [
      { name: "counts", shape: [16], initialiser, movingAverage: { decay: 0.9 } },
      { name: "sums", shape: [16, 2], initialiser, movingAverage: { decay: 0.9 } },
    ],
  },
]);
/** Numbers with their padding: tensors begin at multiples of 16. */
const numbers = layout.groups[0]?.numbers ?? 0;

const optimiser = { kind: "sgd", learningRate: 0.1 } as const;
const adam = { kind: "adam", learningRate: 0.01, beta1: 0.5, beta2: 0.9, epsilon: 1e-8 } as const;
const rulesOf = (spec: Partial<RunSpec>) => createTensorRules({ optimiser, ...spec }, layout);

/** Offset, length, optimiser, its own rate, factor. */
const told = ({ offset, numbers: count, rule, factor }: RuleSegment) =>
  [offset, count, rule.optimiser.kind, rule.ownRate, factor] as const;

describe("rules of tensors", () => {
  it("are one segment of the job's optimiser where the job says nothing", () => {
    expect(rulesOf({}).segments({ group: 0, start: 0, numbers }).map(told)).toEqual([
      [0, numbers, "sgd", undefined, 1],
    ]);
  });

  it("begin and end with their tensors, padding included", () => {
    const rules = rulesOf({ rates: { second: 0 }, optimisers: { third: adam } });
    expect(rules.segments({ group: 0, start: 0, numbers }).map(told)).toEqual([
      [0, 32, "sgd", undefined, 1],
      [32, 48, "sgd", undefined, 0],
      [80, numbers - 80, "adam", 0.01, 1],
    ]);
  });

  it("have the outer optimiser where replicas take the job's own steps", () => {
    const mode = { kind: "diloco", innerSteps: 2, outer: { learningRate: 0.7, momentum: 0.9 } } as const;
    const [segment] = rulesOf({ mode }).segments({ group: 0, start: 0, numbers });
    expect(segment?.rule.optimiser.kind).toBe("momentum");
  });

  it("leave averages out of what is trained, and know of their rates only whether they are 0", () => {
    const slice = { group: 1, start: 0, numbers: layout.groups[1]?.numbers ?? 0 };
    const slowed = rulesOf({ rates: { counts: 0.1, sums: 0.1 } }).segments(slice);
    expect(slowed.map(told)).toEqual([[0, slice.numbers, "movingAverage", undefined, 1]]);
    expect(slowed.some(isTrained)).toBe(false);
    const frozen = rulesOf({ rates: { counts: 0, sums: 0 } }).segments(slice);
    expect(frozen.map(told)).toEqual([[0, slice.numbers, "movingAverage", undefined, 0]]);
  });

  it("cover every slice without a gap, and give each number the same rule however the group is cut", () => {
    const factor = fc.constantFrom(0, 0.5, 1, 2);
    const other = fc.constantFrom(adam, { ...adam, learningRate: 0.5 });
    const of = <Value>(value: fc.Arbitrary<Value>) =>
      fc.record({ first: value, second: value, third: value }, { requiredKeys: [] });
    fc.assert(
      fc.property(
        of(factor),
        of(other),
        fc.array(fc.integer({ min: 1, max: numbers - 1 }), { maxLength: 4 }),
        (rates, optimisers, cuts) => {
          const spec = { rates, optimisers } as Partial<RunSpec>;
          const whole = each(rulesOf(spec).segments({ group: 0, start: 0, numbers }));
          const places = [0, ...new Set(cuts.toSorted((a, b) => a - b)), numbers];
          const own = rulesOf(spec);
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

function each(segments: readonly RuleSegment[]): string[] {
  return segments.flatMap(({ numbers: count, factor, rule }) =>
    new Array<string>(count).fill(`${rule.optimiser.kind} ${rule.ownRate} ${factor}`),
  );
}
