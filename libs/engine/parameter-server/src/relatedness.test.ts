import { loadArithmetic } from "@latentweave/arithmetic";
import { createOptimiser } from "@latentweave/optim";
import { createLayout, ownership } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import { describe, expect, it } from "vitest";
import { createOwnedState } from "./owned-state.ts";
import { createRelatedness } from "./relatedness.ts";

const arithmetic = loadArithmetic();
const numbers = 16;

/** Two tasks whose losses are ½‖w_t − target_t‖²; what is least together with λ·Ω has a closed form. */
function settle(
  regulariser: RunSpec["regulariser"],
  optimiser: RunSpec["optimiser"],
  targets: readonly (readonly number[])[],
  updates: number,
): number[][] {
  const tensor = (name: string) => ({
    name,
    shape: [numbers],
    initialiser: { kind: "uniform", low: -1, high: 1 } as const,
  });
  const layout = createLayout(
    ["a", "b"].map((task) => ({
      name: task,
      tasks: [task],
      family: "own",
      whole: true,
      tensors: [tensor(task)],
    })),
  );
  const spec = { regulariser, optimiser, tasks: [{ name: "a" }, { name: "b" }] } as unknown as RunSpec;
  const relatedness = createRelatedness(spec, layout, arithmetic);
  if (!relatedness) throw new Error("nothing is related");
  const rule = createOptimiser(optimiser);
  const state = createOwnedState(arithmetic, layout, ownership(layout, 1)[0] ?? [], rule.stateNames, 3);
  const gradient = arithmetic.allocate(numbers * 4);
  const weights = (task: number): number[] => [
    ...arithmetic.f32(state.pointer(state.slices[task] as never, "parameters", 0), numbers),
  ];
  for (let update = 1; update <= updates; update++) {
    relatedness.begin(state);
    for (const [task, slice] of state.slices.entries()) {
      const view = weights(task).map((w, i) => w - (targets[task]?.[i] ?? 0));
      arithmetic.f32(gradient, numbers).set(view);
      relatedness.addGradient(state, slice, 0, numbers, gradient);
      rule.update(arithmetic, {
        params: state.pointer(slice, "parameters", 0),
        next: state.pointer(slice, "parameters", 1),
        state: rule.stateNames.map((name) => state.pointer(slice, name, 0)),
        nextState: rule.stateNames.map((name) => state.pointer(slice, name, 1)),
        ...{ gradient, numbers, updateIndex: update, learningRate: 0.1 },
      });
    }
    relatedness.finish(state, new Set([0, 1]), 0.1);
    state.advance();
  }
  return [weights(0), weights(1)];
}

const padded = (...values: number[]): number[] => [
  ...values,
  ...new Array<number>(numbers - values.length).fill(0),
];
const expectClose = (found: readonly number[][], wanted: readonly (readonly number[])[]): void => {
  for (const [task, row] of wanted.entries())
    for (const [i, value] of row.entries()) expect(found[task]?.[i]).toBeCloseTo(value, 4);
};

const optimisers = [
  { kind: "sgd", learningRate: 0.1 },
  { kind: "momentum", learningRate: 0.1, momentum: 0.8, nesterov: false },
  { kind: "momentum", learningRate: 0.1, momentum: 0.8, nesterov: true },
] as const;

describe("where steps no longer change the tasks, loss and λ·Ω are least together", () => {
  it.each(optimisers)("trace: singular values less λ ($kind, nesterov $nesterov)", (optimiser) => {
    // Singular values 5 and 1.
    const targets = [padded(3, 4), padded(-0.8, 0.6)];
    expectClose(settle({ omega: "trace", lambda: 2 }, optimiser, targets, 300), [
      padded(1.8, 2.4),
      padded(0, 0),
    ]);
  });

  it.each(optimisers)("l21: rows less λ in length ($kind, nesterov $nesterov)", (optimiser) => {
    const targets = [padded(3, 0.6), padded(4, -0.8)];
    expectClose(settle({ omega: "l21", lambda: 2.5 }, optimiser, targets, 300), [
      padded(1.5, 0),
      padded(2, 0),
    ]);
  });

  it("mean: each goes to its target's mean with the others', by 2λ/(1 + 2λ) of the way", () => {
    const adam = { kind: "adam", learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;
    const found = settle({ omega: "mean", lambda: 0.5 }, adam, [padded(1), padded(3)], 600);
    for (const [task, value] of [1.5, 2.5].entries()) expect(found[task]?.[0]).toBeCloseTo(value, 2);
  });
});
