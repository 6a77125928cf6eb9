import { loadArithmetic, randomKey } from "@latentweave/arithmetic";
import { UserError } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { combinerNamed, regulariserNamed } from "./registry.ts";
import { userMethods } from "./user-methods.ts";

/** As the bundler leaves a module: names of its own, exported at the end. */
const text = `
var combiners2 = {
  halves: {
    needsGram: false,
    init: (taskCount, { share }) => ({ share, calls: 0, taskCount }),
    solve: ({ taskCount, state, arithmetic }) => ({
      weights: new Float64Array(taskCount).fill(state.share * arithmetic.exp(0) + Math.sqrt(4)),
      state: { ...state, calls: state.calls + 1 },
    }),
  },
  chance: { needsGram: false, init: () => null, solve: () => ({ weights: Float64Array.of(Math.random()), state: null }) },
  clock: { needsGram: false, init: () => null, solve: () => ({ weights: Float64Array.of(Date.now()), state: null }) },
  inexact: { needsGram: false, init: () => null, solve: () => ({ weights: Float64Array.of(Math.exp(1)), state: null }) },
};
var regularisers = {
  pairs: { kind: "quadratic", matrix: ({ options }) => Float64Array.of(1, 0, 0, options.user.strength) },
  soft: { kind: "rows", shrink: (norm, threshold) => Math.max(0, 1 - threshold / norm) },
};
export {
  combiners2 as combiners,
  regularisers
};
`;

const input = {
  ...{ taskCount: 2, gram: undefined, losses: Float64Array.of(1, 2), step: 0, options: { share: 0.5 } },
  ...{ key: randomKey(1, "x"), arithmetic: loadArithmetic() },
};

describe("methods of a job's extensions", () => {
  it("are found by their names, and are what the others are", () => {
    const combiner = combinerNamed("user:halves", "combiner", text);
    const state = combiner.init(2, { share: 0.5 });
    expect(combiner.solve({ ...input, state })).toEqual({
      weights: Float64Array.of(2.5, 2.5),
      state: { share: 0.5, calls: 1, taskCount: 2 },
    });
    const pairs = regulariserNamed("user:pairs", undefined, text);
    const related = { members: [0, 1], taskCount: 2, options: { user: { strength: 3 } } };
    expect(pairs.kind === "quadratic" && [...pairs.matrix(related, undefined)]).toEqual([1, 0, 0, 3]);
    const soft = regulariserNamed("user:soft", undefined, text);
    expect(soft.kind === "rows" && soft.shrink(2, 1)).toBe(0.5);
  });

  it.each([
    ["chance", /Math\.random is asked for, .*from run to run/],
    ["clock", /Date is asked for/],
    ["inexact", /Math\.exp is asked for, which differs between versions of Node/],
  ])("are refused what is not the same everywhere: %s", (name, message) => {
    const combiner = combinerNamed(`user:${name}`, "combiner", text);
    expect(() => combiner.solve({ ...input, state: null })).toThrow(message);
  });

  it("say which there are, where one is not among them or there are none", () => {
    expect(() => combinerNamed("user:thirds", "combiner", text)).toThrow(
      /no combiner "thirds".*\n?.*halves, chance/s,
    );
    expect(() => combinerNamed("user:thirds")).toThrow(/an extension with combiners/);
    expect(() => regulariserNamed("user:toString", undefined, text)).toThrow(UserError);
  });

  it.each([
    [
      "var combiners = { a: { needsGram: false, init: () => null } };\nexport { combiners };\n",
      /combiners\.a.*no solve/s,
    ],
    ["var regularisers = { a: { kind: 'other' } };\nexport { regularisers };\n", /regularisers\.a.*no kind/s],
    ["throw new Error('broken');\nexport { };\n", /do not run: broken/],
  ])("are told to be wrong before anything is done with them, case %#", (broken, message) => {
    expect(() => userMethods(broken)).toThrow(message);
  });
});
