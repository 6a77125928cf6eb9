import type { StepReduction } from "@latentweave/aggregation";
import { loadArithmetic } from "@latentweave/arithmetic";
import { planStep, type RunSpec } from "@latentweave/plan";
import { describe, expect, it } from "vitest";
import { applyUpdate } from "./apply-update.ts";
import { prepareTraining, type Training } from "./training.ts";

const numbers = 16;
const steps = 12;
const decay = 0.9;
const samples = 8;
const names = ["plain", "adam", "average", "frozen"] as const;

/** A shared group whose tensors each learn in their own way; two tasks, of which both use it. */
const spec = {
  seed: 3,
  groups: [
    {
      name: "shared",
      tasks: ["a", "b"],
      tensors: names.map((name) => ({
        ...{ name, shape: [numbers], initialiser: { kind: "constant", value: 1 } },
        ...(name === "average" && { movingAverage: { decay } }),
      })),
    },
  ],
  phases: [
    {
      ...{ name: "train", steps, resetOptimiser: true },
      graphs: ["a", "b"].map((task) => ({ task, groups: ["shared"] })),
    },
  ],
  tasks: ["a", "b"].map((name, i) => ({ name, weight: 1 + i, microBatch: samples, slots: 1 })),
  optimiser: { kind: "momentum", learningRate: 0.1, momentum: 0.9, nesterov: false },
  optimisers: { adam: { kind: "adam", learningRate: 0.02, beta1: 0.5, beta2: 0.9, epsilon: 1e-8 } },
  rates: { adam: 0.5, frozen: 0 },
  schedule: { kind: "cosine", warmupSteps: 3, finalShare: 0.1 },
  combiner: { name: "mean", options: {} },
  clipNorm: null,
  regulariser: null,
  evaluation: null,
  checkpointEverySteps: 0,
} as unknown as RunSpec;

/** What workers send, summed over samples: any numbers. */
const sentAt = (step: number, task: number, place: number): number =>
  Math.fround(((step * 7 + task * 5 + place * 3) % 11) / 4 - 1);

/** @param scales of clipping; @param weights of the tasks */
function train(
  weights: readonly number[],
  scale: number,
): { training: Training; at: (section: string) => number[] } {
  const arithmetic = loadArithmetic();
  const training = prepareTraining(spec, arithmetic, 1, 0);
  const scratch = arithmetic.allocate(65_536);
  for (let step = 0; step < steps; step += 1) {
    const plan = planStep(spec, step);
    const reduction = {
      plan,
      tasks: (plan.rounds[0]?.tasks ?? []).map((task) => ({
        plan: task,
        slices: training.state.slices.map((slice) => {
          const pointer = arithmetic.allocate(slice.numbers * 4);
          const sum = arithmetic.f32(pointer, slice.numbers);
          for (const place of sum.keys()) sum[place] = sentAt(step, task.taskIndex, place);
          return { slice, reducer: { result: () => pointer } };
        }),
      })),
    } as unknown as StepReduction;
    const decision = { weights, scale, learningRate: training.rule.rateAt(plan) };
    applyUpdate({ ...training, plan, reduction, decision, scratch });
  }
  const [slice] = training.state.slices;
  if (!slice) throw new Error("the shard owns nothing");
  const at = (section: string): number[] => [
    ...arithmetic.f32(training.state.pointer(slice, section, 0), slice.numbers),
  ];
  return { training, at };
}

/** The textbook's loops in float64, of the number at `place` of the group. */
function expectedAt(place: number, weights: readonly number[], scale: number): number {
  const name = names[Math.floor(place / numbers)];
  let [w, first, second] = [1, 0, 0];
  for (let step = 0; step < steps; step += 1) {
    const [a, b] = [sentAt(step, 0, place), sentAt(step, 1, place)];
    const gradient = (((weights[0] ?? 0) * a + (weights[1] ?? 0) * 2 * b) / samples) * scale;
    const share =
      step < 3 ? (step + 1) / 3 : 0.1 + 0.45 * (1 + Math.cos((Math.PI * (step - 3)) / (steps - 4)));
    if (name === "plain") {
      first = 0.9 * first + gradient;
      w -= 0.1 * share * first;
    } else if (name === "adam") {
      first = 0.5 * first + 0.5 * gradient;
      second = 0.9 * second + 0.1 * gradient * gradient;
      const [m, v] = [first / (1 - 0.5 ** (step + 1)), second / (1 - 0.9 ** (step + 1))];
      w -= (0.5 * 0.02 * share * m) / (Math.sqrt(v) + 1e-8);
    } else if (name === "average") {
      const statistic = weights.reduce((sum, weight, i) => sum + (weight === 0 ? 0 : i === 0 ? a : b), 0);
      w = decay * w + (1 - decay) * statistic;
    }
  }
  return w;
}

describe("a group of tensors with optimisers of their own", () => {
  it.each([
    ["of two tasks", [1, 1], 1],
    ["clipped and weighed, which no statistic is", [0.3, 0.6], 0.25],
    ["of a task that counts nothing, whose statistics do not either", [1, 0], 1],
  ])("follows each one's own loop in float64: %s", (_title, weights, scale) => {
    const { at } = train(weights, scale);
    for (const [place, value] of at("parameters").entries())
      expect(
        Math.abs(value - expectedAt(place, weights, scale)),
        `${names[Math.floor(place / numbers)]}`,
      ).toBeLessThan(2e-6);
  });

  it("keeps the state of each where it is that one's, and zero elsewhere", () => {
    const { training, at } = train([1, 1], 1);
    expect(training.optimiserStates).toEqual(["velocity", "m", "v"]);
    const used = (section: string): (typeof names)[number][] =>
      names.filter((_, i) =>
        at(section)
          .slice(i * numbers, (i + 1) * numbers)
          .some((x) => x !== 0),
      );
    expect(used("velocity")).toEqual(["plain"]);
    expect(used("m")).toEqual(["adam"]);
    expect(used("v")).toEqual(["adam"]);
  });
});
