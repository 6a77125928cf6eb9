import { loadArithmetic, randomKey } from "@latentweave/arithmetic";
import { UserError } from "@latentweave/protocol";
import { describe, expect, test } from "vitest";
import { combineBlock } from "./block.ts";
import type { Combiner } from "./combiner.ts";
import { NameTakenError, combinerNamed, registerCombiner } from "./registry.ts";

const arithmetic = loadArithmetic();

function vector(values: readonly number[]): number {
  const pointer = arithmetic.allocate(values.length * 4);
  arithmetic.f32(pointer, values.length).set(values);
  return pointer;
}

/** The direction Jᵀw that a combiner takes for the gradients in the rows of J. */
function direction(combiner: Combiner, rows: readonly number[][]): number[] {
  const gradients = rows.map(vector);
  const numbers = rows[0]?.length ?? 0;
  const { weights } = combiner.solve({
    taskCount: rows.length,
    gram: combiner.needsGram ? arithmetic.products(gradients, numbers) : undefined,
    losses: new Float64Array(rows.length).fill(1),
    step: 0,
    options: {},
    state: combiner.init(rows.length, {}),
    key: randomKey(0, "combiner"),
    arithmetic,
  });
  const into = vector(new Array<number>(numbers).fill(0));
  combineBlock(arithmetic, { gradients, weights, into, numbers });
  return [...arithmetic.f32(into, numbers)];
}

describe("combiners", () => {
  // The matrix with which TorchJD documents its aggregators, and its published directions.
  const rows = [
    [-4, 1, 1],
    [6, 1, 1],
  ];

  test.each([
    ["sum", [2, 2, 2]],
    ["mean", [1, 1, 1]],
  ])("%s takes its known direction", (name, expected) => {
    expect(direction(combinerNamed(name), rows)).toEqual(expected);
  });

  test("see the tasks through their Gram matrix", () => {
    expect([...arithmetic.products(rows.map(vector), 3)]).toEqual([18, -22, -22, 38]);
  });

  test("an unknown name is answered with the nearest known one", () => {
    expect(() => combinerNamed("maen", "job.ts, combiner")).toThrow(UserError);
    expect(() => combinerNamed("maen", "job.ts, combiner")).toThrow(
      /^job\.ts, combiner: there is no combiner named "maen"\n {2}expected: "sum" or "mean" or .*\n {2}to mend: {2}write "mean"$/,
    );
  });

  test("a new one is found by its name, and cannot take a known one's", () => {
    const first: Combiner<{ readonly calls: number }> = {
      name: "first-task-only",
      needsGram: false,
      init: () => ({ calls: 0 }),
      solve: ({ taskCount, state }) => ({
        weights: Float64Array.from({ length: taskCount }, (_, t) => (t === 0 ? 1 : 0)),
        state: { calls: state.calls + 1 },
      }),
    };
    registerCombiner(first);
    expect(direction(combinerNamed("first-task-only"), rows)).toEqual(rows[0]);
    expect(() => registerCombiner(first)).toThrow(NameTakenError);
  });

  test("combine in place over the first gradient, and refuse counts that do not fit", () => {
    const gradients = rows.map(vector);
    const into = gradients[0] ?? 0;
    combineBlock(arithmetic, { gradients, weights: [0.5, 0.25], into, numbers: 3 });
    expect([...arithmetic.f32(into, 3)]).toEqual([-0.5, 0.75, 0.75]);
    expect(() => combineBlock(arithmetic, { gradients, weights: [1], into, numbers: 3 })).toThrow(RangeError);
    expect(() => combineBlock(arithmetic, { gradients: [], weights: [], into, numbers: 3 })).toThrow(
      RangeError,
    );
  });
});
