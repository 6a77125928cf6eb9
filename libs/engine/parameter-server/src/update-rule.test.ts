import { loadArithmetic } from "@latentweave/arithmetic";
import { planStep, type RunSpec } from "@latentweave/plan";
import { describe, expect, it } from "vitest";
import { applyUpdate } from "./apply-update.ts";
import type { StepReduction } from "@latentweave/aggregation";
import { prepareTraining } from "./training.ts";

const numbers = 4;
const replicas = [2, 3];
const outer = { learningRate: 0.7, momentum: 0.9 };

const group = (name: string, tasks: readonly string[]) => ({
  name,
  tasks,
  tensors: [{ name: `${name}/w`, shape: [numbers], initialiser: { kind: "constant", value: 1 } }],
});

/** Two tasks of 2 and 3 replicas; a group of both, and one of the second. */
const spec = {
  seed: 3,
  groups: [group("shared", ["a", "b"]), group("own", ["b"])],
  phases: [
    {
      name: "train",
      steps: 9,
      resetOptimiser: true,
      graphs: [
        { task: "a", groups: ["shared"] },
        { task: "b", groups: ["shared", "own"] },
      ],
    },
  ],
  tasks: replicas.map((slots, index) => ({ name: "ab"[index], weight: 4, microBatch: 8, slots })),
  mode: { kind: "diloco", innerSteps: 10, outer },
  optimiser: { kind: "adamw", learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 },
  schedule: { kind: "cosine", warmupSteps: 0, finalShare: 0 },
  combiner: { name: "mean", options: {} },
  clipNorm: null,
  regulariser: null,
  evaluation: null,
  checkpointEverySteps: 0,
} as unknown as RunSpec;

/** What the replicas of a task have come, summed: any numbers. */
const wayOf = (step: number, task: number, place: number): number =>
  Math.fround(((step * 7 + task * 5 + place * 3) % 11) / 16 - 0.3);

describe("the update of a diloco step", () => {
  it("is the one of a plain Nesterov loop over the replicas' mean ways", () => {
    const arithmetic = loadArithmetic();
    const training = prepareTraining(spec, arithmetic, 1, 0);
    expect(training.optimiserStates).toEqual(["velocity"]);
    const scratch = arithmetic.allocate(65_536);
    const weights = [0.5, 0.5];
    const expected = [0, 1].map(() => Array.from({ length: numbers }, () => ({ weight: 1, velocity: 0 })));
    for (let step = 0; step < 9; step += 1) {
      const plan = planStep(spec, step);
      const reduction = {
        plan,
        tasks: (plan.rounds[0]?.tasks ?? []).map((task) => ({
          plan: task,
          slices: training.state.slices
            .filter(({ group: index }) => index === 0 || task.task === "b")
            .map((slice) => {
              const pointer = arithmetic.allocate(slice.numbers * 4);
              const sum = arithmetic.f32(pointer, slice.numbers).fill(0);
              for (let place = 0; place < numbers; place += 1)
                sum[place] = wayOf(step, task.taskIndex, place) * task.slots;
              return { slice, reducer: { result: () => pointer } };
            }),
        })),
      } as unknown as StepReduction;
      const learningRate = training.rule.rateAt(plan);
      expect(learningRate).toBe(outer.learningRate);
      applyUpdate({
        ...training,
        plan,
        reduction,
        decision: { weights, scale: 1, learningRate },
        scratch,
      });
      for (const [index, places] of expected.entries())
        for (const [place, own] of places.entries()) {
          const [a, b] = [wayOf(step, 0, place), wayOf(step, 1, place)];
          const gradient = index === 0 ? 0.5 * a + 0.5 * b : b;
          own.velocity = outer.momentum * own.velocity + gradient;
          own.weight -= outer.learningRate * (gradient + outer.momentum * own.velocity);
        }
    }
    for (const slice of training.state.slices) {
      const got = arithmetic.f32(training.state.pointer(slice, "parameters", 0), numbers);
      for (const [place, own] of (expected[slice.group] ?? []).entries())
        expect(Math.abs((got[place] ?? 0) - own.weight)).toBeLessThan(1e-5);
    }
    expect(training.state.version).toBe(9);
  });

  it("is recorded with the learning rate of the replicas, which the schedule lowers", () => {
    const { rule } = prepareTraining(spec, loadArithmetic(), 1, 0);
    const rates = [0, 4, 8].map((step) => rule.recordedRateAt(planStep(spec, step)));
    expect(rates[0]).toBe(1e-3);
    expect(rates[1]).toBeCloseTo(5e-4, 12);
    expect(rates[2]).toBe(0);
  });
});
