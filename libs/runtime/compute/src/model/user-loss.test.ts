import type { ComputeModel, LossTerm, MicroBatch } from "@latentweave/model";
import { describe, expect, it } from "vitest";
import { cpuComputes } from "../testing/cpu-computes.ts";
import { bytes } from "../testing/determinism-suite.ts";
import { someBatch } from "../testing/keyed.ts";
import { inputNumbers, sharedModel } from "../testing/models.ts";

const { start } = cpuComputes();

const text = `export const layers = {};
export const losses = {
  squares: { apply: ({ tf, prediction, target, options }) =>
    tf.mul(tf.mean(tf.square(tf.sub(prediction, target)), 1), options.times ?? 1) },
  whole: { apply: ({ tf, prediction, target }) => tf.mean(tf.square(tf.sub(prediction, target))) },
  chance: { apply: ({ tf, prediction }) => tf.mul(tf.mean(prediction, 1), Math.random()) },
};`;

/** The shared model with another reconstruction loss in every task. */
function withLoss(change: (term: Extract<LossTerm, { kind: "reconstruction" }>) => LossTerm): ComputeModel {
  const model = sharedModel();
  return {
    ...model,
    userModule: text,
    phases: model.phases.map((phase) => ({
      ...phase,
      tasks: phase.tasks.map((graph) => ({
        ...graph,
        losses: graph.losses.map((term) => (term.kind === "reconstruction" ? change(term) : term)),
      })),
    })),
  };
}

const user = (name: string, options: Readonly<Record<string, unknown>> = {}): ComputeModel =>
  withLoss((term) => ({ ...term, loss: "user", user: { name, options } }));
const batch = (): MicroBatch => someBatch({ task: "one", samples: 6 }, inputNumbers);

describe("a loss of the job's extensions", () => {
  it("is trained by what TensorFlow.js makes its derivative: squares as squares", async () => {
    const own = await (await start(user("squares"))).run(batch());
    const built = await (await start(withLoss((term) => ({ ...term, loss: "mse" })))).run(batch());
    for (const [at, value] of own.metrics.entries())
      expect(value).toBeCloseTo(built.metrics[at] as number, 4);
    for (const [group, gradient] of own.gradients.entries())
      for (const [at, value] of gradient.entries())
        expect(value).toBeCloseTo(built.gradients[group]?.[at] as number, 4);
  });

  it("gets its options, and the same bits each time", async () => {
    const once = await start(user("squares"));
    const first = await once.run(batch());
    expect(bytes(await once.run(batch()))).toBe(bytes(first));
    const twice = await (await start(user("squares", { times: 2 }))).run(batch());
    expect(twice.metrics[2]).toBeCloseTo(2 * (first.metrics[2] as number), 3);
  });

  it.each([
    ["whole", /"whole" must return a tensor of shape \[6\]/],
    ["chance", /Math\.random/],
    ["cubes", /no loss "cubes"; they have: squares, whole, chance/],
  ])("is refused where it is not one: %s", async (name, message) => {
    await expect((await start(user(name))).run(batch())).rejects.toThrow(message);
  });
});
