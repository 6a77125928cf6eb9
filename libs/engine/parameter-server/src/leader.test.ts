import type { ParameterLayout } from "@latentweave/parameters";
import { planStep, type RunSpec } from "@latentweave/plan";
import { describe, expect, it } from "vitest";
import type { CombineRule } from "./combine-rule.ts";
import { createPauses } from "./pauses.ts";
import type { BlockProducts } from "./products.ts";
import { createStepDecision, type StepDecision } from "./leader.ts";

/** What a decision reads of a run: two tasks that share the only group. */
const twoTasks = {
  tasks: [
    { name: "first", slots: 1, microBatch: 1 },
    { name: "second", slots: 1, microBatch: 1 },
  ],
  phases: [{ steps: 1, graphs: [{ task: "first" }, { task: "second" }] }],
  combiner: { name: "sum", options: {} },
  clipNorm: null,
  evaluation: null,
  checkpointEverySteps: 0,
} as unknown as RunSpec;
const layout = { groups: [{ shared: true }] } as unknown as ParameterLayout;

function decisionWith(
  solve: CombineRule["solve"],
  change: Partial<RunSpec> = {},
  clipScale: (normSquared: number) => number = () => -0,
): StepDecision {
  const spec = { ...twoTasks, ...change };
  const combine: CombineRule = { needsGram: () => false, solve, state: () => "null" };
  return createStepDecision({
    spec,
    layout,
    plan: planStep(spec, 0),
    shards: 2,
    combine,
    clipScale,
  });
}

describe("the leader's decision", () => {
  it("waits for the losses and for every shard", () => {
    const decision = decisionWith(() => [1, 1]);
    expect(decision.verdict([1, 2])).toEqual({ kind: "waiting" });
    decision.reduced(0, true, [], []);
    decision.reduced(0, true, [], []);
    expect(decision.verdict([1, 2])).toEqual({ kind: "waiting" });
    decision.reduced(1, true, [], []);
    expect(decision.verdict(undefined)).toEqual({ kind: "waiting" });
    expect(decision.verdict([1, 2])).toMatchObject({ kind: "decided", weights: [1, 1], scale: 1 });
  });

  it("never holds a minus zero, which the wire would turn into zero", () => {
    const decision = decisionWith(() => [-0, 1], { clipNorm: 1 });
    decision.reduced(0, true, [{ group: 0, block: 0, gram: Float64Array.of(1, 0, 0, 1) }], []);
    decision.reduced(1, true, [], []);
    const verdict = decision.verdict([1, 1]);
    if (verdict.kind !== "decided") throw new Error(verdict.kind);
    expect([...verdict.weights, verdict.scale].map((number) => Object.is(number, -0))).toEqual([
      false,
      false,
      false,
    ]);
  });

  it("refuses what is not finite: a loss, a gradient, a combiner's weight", () => {
    const decision = decisionWith(() => [Number.NaN, 1]);
    decision.reduced(0, true, [], []);
    decision.reduced(1, true, [], []);
    expect(decision.verdict([1, Number.POSITIVE_INFINITY])).toEqual({
      kind: "refused",
      reason: 'the loss of task "second" is Infinity',
    });
    expect(decision.verdict([1, 1])).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining('combiner "sum"') as string,
    });
    decision.reduced(1, false, [], []);
    expect(decision.verdict([1, 1])).toMatchObject({
      kind: "refused",
      reason: "a gradient holds NaN or infinity",
    });
  });

  it("leaves out tasks whose numbers are not finite once that is borne out, where the job says so", () => {
    const pauses = createPauses(["first", "second"], 10);
    let seen: readonly unknown[] = [];
    const decision = createStepDecision({
      ...{ spec: { ...twoTasks, clipNorm: 1 }, layout, plan: planStep(twoTasks, 0), shards: 1 },
      combine: {
        ...{ needsGram: () => true, pauses, state: () => "null" },
        solve({ gram, leftOut }) {
          seen = [[...(gram ?? [])], [...(leftOut ?? [])]];
          return [3, 0];
        },
      },
      clipScale: (normSquared) => normSquared,
    });
    const gram = Float64Array.of(2, Number.NaN, Number.NaN, Number.NaN);
    decision.reduced(0, false, [{ group: 0, block: 0, gram }], [], ["second"]);
    expect(decision.verdict([1, 1])).toEqual({
      ...{ kind: "refused", reason: 'the gradient of task "second" holds NaN or infinity' },
      pausable: ["second"],
    });
    expect(pauses.state).toEqual({});
    expect(decision.verdict([1, 1], true)).toMatchObject({
      ...{ kind: "decided", weights: [3, 0], scale: 18 },
      paused: [{ task: "second", since: 0, until: 10, why: "its gradient holds NaN or infinity" }],
    });
    expect(seen).toEqual([[2, 0, 0, 0], [1]]);
    decision.reduced(0, false, [], [], ["first", "second"]);
    const { pausable, kind } = decision.verdict([1, 1], true) as { kind: string; pausable?: unknown };
    expect({ kind, pausable }, "nobody would be left").toEqual({ kind: "refused", pausable: undefined });
  });

  it("adds inner products in block order, whichever shard reported first", () => {
    const norms = [
      [0, 1],
      [1, 0],
    ].map((order) => {
      let seen = Number.NaN;
      const decision = decisionWith(
        () => [1, 1],
        { clipNorm: 1 },
        (normSquared) => (seen = normSquared),
      );
      const block = (index: number, square: number): BlockProducts => ({
        group: 0,
        block: index,
        gram: Float64Array.of(square, 0, 0, 0),
      });
      // (2^53 + 1) + 1 is 2^53; 2^53 + (1 + 1) is not.
      const reports = [[block(0, 2 ** 53)], [block(1, 1), block(2, 1)]];
      for (const shard of order) decision.reduced(shard, true, reports[shard] ?? [], []);
      decision.verdict([1, 1]);
      return seen;
    });
    expect(norms).toEqual([2 ** 53, 2 ** 53]);
  });
});
