import {
  type Compute,
  type ComputeModel,
  estimateNames,
  metricNames,
  type MicroBatch,
  type TaskGraph,
} from "@latentweave/model";
import { describe, expect, it } from "vitest";
import { autoencoderSuite } from "../testing/autoencoder-suite.ts";
import { cpuComputes } from "../testing/cpu-computes.ts";
import { bytes } from "../testing/determinism-suite.ts";
import { someBatch } from "../testing/keyed.ts";
import { inputNumbers, privateModel, variational, variationalModel } from "../testing/models.ts";
import { termWeights } from "./term-weights.ts";

const { backend, start } = cpuComputes();

function batch(more: Partial<MicroBatch> = {}): MicroBatch {
  return someBatch({ task: "one", samples: 6, ...more }, inputNumbers);
}

function graphOf(model: ComputeModel): TaskGraph {
  const graph = model.phases[0]?.tasks[0];
  if (!graph) throw new Error("the fixture has a task");
  return graph;
}

autoencoderSuite(backend);

const summed = { loss: "bce", weight: 1, reduction: "sum" } as const;
const mean = async (
  compute: Compute,
  draws: number,
  more: Partial<MicroBatch> = {},
): Promise<Record<(typeof estimateNames)[number], number>> => {
  const { metrics } = await compute.run(batch({ program: "estimate", draws, ...more }));
  const values = estimateNames.map((name, index) => [name, (metrics[index] ?? NaN) / 6] as const);
  return Object.fromEntries(values) as Record<(typeof estimateNames)[number], number>;
};

describe("β of a variational latent", () => {
  it("rises linearly from 0 over the steps of its annealing, and stays", () => {
    const graph = graphOf(variationalModel({ beta: 4, annealing: { steps: 8 } }));
    const weightAt = (step: number | undefined): number | undefined => termWeights(graph, step)[1];
    expect([0, 1, 2, 7, 8, 9, 1000].map(weightAt)).toEqual([0, 0.5, 1, 3.5, 4, 4, 4]);
    // What is measured is not made better by a step that comes early.
    expect(weightAt(undefined)).toBe(4);
  });

  it("is what the loss weighs the divergence by, at every step", async () => {
    const model = variationalModel({ beta: 4, annealing: { steps: 8 } });
    const compute = await start(model);
    const names = metricNames(graphOf(model));
    for (const [step, weight] of [
      [0, 0],
      [2, 1],
      [20, 4],
    ] as const) {
      const { metrics } = await compute.run(batch({ step }));
      const sum = (name: string): number => metrics[names.indexOf(name)] ?? NaN;
      expect(sum("loss")).toBeCloseTo(sum("reconstruction") + weight * sum("kl"), 6);
    }
  });
});

describe("the divergence of a variational latent", () => {
  it("is that of two normal distributions, as worked out by hand", async () => {
    // Biases alone: mean 1 and variance e² in every unit, 3 units: 3·½(1 + e² − 1 − 2) nats for each sample.
    const model = privateModel({ latent: variational, reconstruction: summed });
    const compute = await start(model);
    await compute.setParameters(
      model.layout.groups.flatMap((group) =>
        group.tensors.map(({ name, offset, numbers }) => ({
          ...{ group: group.index, start: offset },
          values: new Float32Array(numbers).fill(
            name.endsWith("mean/bias") ? 1 : name.endsWith("logVariance/bias") ? 2 : 0,
          ),
        })),
      ),
    );
    const { metrics } = await compute.run(batch({ program: "evaluate" }));
    const kl = metrics[metricNames(graphOf(model)).indexOf("kl")] ?? NaN;
    expect(kl / 6).toBeCloseTo((3 * (Math.exp(2) - 2)) / 2, 4);
  });
});

describe("a variational latent that is measured", () => {
  it("is its mean: the same at every step, in `encode` too", async () => {
    const compute = await start(privateModel({ latent: variational, reconstruction: summed }));
    const usual = bytes(await compute.run(batch({ program: "evaluate" })));
    expect(bytes(await compute.run(batch({ program: "evaluate", step: 99 })))).toBe(usual);
    const { x } = batch();
    const ask = { phase: 0, task: "one", samples: 6, x };
    expect(await compute.infer({ ...ask, output: "latent" })).toHaveLength(6 * 3);
    expect(await compute.infer({ ...ask, output: "reconstruction" })).toHaveLength(6 * inputNumbers);
  });

  it("draws samples that are probabilities alike at every step, and others for other rows", async () => {
    const compute = await start(variationalModel());
    const usual = bytes(await compute.run(batch({ program: "evaluate" })));
    expect(bytes(await compute.run(batch({ program: "evaluate", step: 99 })))).toBe(usual);
    expect(bytes(await compute.run(batch({ program: "evaluate", slot: 7 })))).not.toBe(usual);
  });
});

describe("the importance-weighted estimate", () => {
  it("of one draw is the lower bound of that draw", async () => {
    const compute = await start(privateModel({ latent: variational, reconstruction: summed }));
    const { negativeLogLikelihood, negativeLowerBound } = await mean(compute, 1);
    expect(negativeLogLikelihood).toBeCloseTo(negativeLowerBound, 10);
  });

  it("never lies above the lower bound, and its lower bound nears the objective of one draw", async () => {
    const model = privateModel({ latent: variational, reconstruction: summed });
    const compute = await start(model);
    for (const slot of [0, 1, 2]) {
      const { negativeLogLikelihood, negativeLowerBound } = await mean(compute, 50, { slot });
      expect(negativeLogLikelihood).toBeLessThanOrEqual(negativeLowerBound);
    }
    // The objective's divergence is exact, the estimate's is drawn: alike on average.
    const { negativeLowerBound } = await mean(compute, 4_000);
    let objective = 0;
    const steps = 200;
    for (let step = 0; step < steps; step += 1)
      objective += (await compute.run(batch({ step }))).metrics[1] ?? NaN;
    expect(negativeLowerBound).toBeCloseTo(objective / steps / 6, 1);
  });

  it("with one draw as the objective has the lower bound's gradient where nothing is drawn apart", async () => {
    // The bound of k draws at variance → 0 is that of one: all draws are the mean.
    const one = privateModel({ latent: variational, reconstruction: summed });
    const many = privateModel({ latent: { ...variational, samples: 3 }, reconstruction: summed });
    const narrow = async (model: ComputeModel): Promise<readonly Float32Array[]> => {
      const compute = await start(model);
      await compute.setParameters(
        model.layout.groups.flatMap((group) =>
          group.tensors
            .filter(({ name }) => name.includes("logVariance"))
            .map(({ name, offset, numbers }) => ({
              ...{ group: group.index, start: offset },
              values: new Float32Array(numbers).fill(name.endsWith("bias") ? -30 : 0),
            })),
        ),
      );
      return (await compute.run(batch())).gradients;
    };
    const [decoderOfOne, decoderOfMany] = [(await narrow(one))[1], (await narrow(many))[1]];
    decoderOfOne?.forEach((value, i) => expect(decoderOfMany?.[i]).toBeCloseTo(value, 4));
  });

  it("is the likelihood of a linear model, which is known in closed form", async () => {
    // x = w·z + b + noise of variance 1/2v, one unit, posterior = prior: p(x) is normal with covariance w·wᵀ + I/2v.
    const v = 2;
    const model = privateModel({
      encoder: [],
      latent: { ...variational, units: 1 },
      decoder: [{ kind: "dense", units: inputNumbers }],
      reconstruction: { loss: "mse", weight: v, reduction: "sum" },
    });
    const compute = await start(model);
    const w = Array.from({ length: inputNumbers }, (_, i) => 0.1 * (i % 3));
    await compute.setParameters(
      model.layout.groups.flatMap((group) =>
        group.tensors.map(({ name, offset, numbers }) => ({
          ...{ group: group.index, start: offset },
          values: name.endsWith("decoder/0/kernel") ? Float32Array.from(w) : new Float32Array(numbers),
        })),
      ),
    );
    const { negativeLogLikelihood } = await mean(compute, 4_000);
    const { x } = batch();
    const noise = 1 / (2 * v);
    const scale = w.reduce((sum, each) => sum + each * each, 0);
    let expected = 0;
    for (let sample = 0; sample < 6; sample += 1) {
      const row = [...x.subarray(sample * inputNumbers, (sample + 1) * inputNumbers)];
      const squares = row.reduce((sum, each) => sum + each * each, 0);
      const along = row.reduce((sum, each, i) => sum + each * (w[i] ?? NaN), 0);
      // Determinant and inverse of a diagonal matrix and one of rank one.
      const determinant = inputNumbers * Math.log(noise) + Math.log(1 + scale / noise);
      const distance = squares / noise - along ** 2 / noise ** 2 / (1 + scale / noise);
      expected += (inputNumbers * Math.log(2 * Math.PI) + determinant + distance) / 2;
    }
    expect(negativeLogLikelihood).toBeCloseTo(expected / 6, 1);
  });

  it("draws samples that are probabilities once, however many draws their latents take", async () => {
    // All weights 0: the decoder says the same of every number, so that every draw weighs the same if the sample is the same.
    const model = privateModel({ latent: variational, reconstruction: summed, binarise: true });
    const compute = await start(model);
    await compute.setParameters(
      model.layout.groups.flatMap((group) =>
        group.tensors.map(({ name, offset, numbers }) => ({
          ...{ group: group.index, start: offset },
          values: new Float32Array(numbers).fill(name.endsWith("decoder/1/bias") ? 2 : 0),
        })),
      ),
    );
    // More than fit in at once.
    const { negativeLogLikelihood, negativeLowerBound } = await mean(compute, 3_000);
    expect(negativeLogLikelihood).toBeCloseTo(negativeLowerBound, 4);
  });

  it("of a task without a variational latent is refused", async () => {
    const compute = await start(privateModel({}));
    await expect(compute.run(batch({ program: "estimate", draws: 2 }))).rejects.toThrow(
      /no variational latent/,
    );
  });
});

describe("patches that are compared alone", () => {
  const shape = [2, 6, 1];
  const own = {
    encoder: [{ kind: "flatten" }, { kind: "dense", units: 4 }],
    decoder: [
      { kind: "dense", units: inputNumbers, activation: "sigmoid" },
      { kind: "reshape", shape },
    ],
  } as const;
  const hiding = (rate: number): ComputeModel =>
    privateModel({ ...own, noise: { kind: "patches", size: 2, rate, compare: "masked" } }, shape);

  it("are drawn anew for every micro-batch, and measured as all pixels of what nothing hides", async () => {
    const compute = await start(hiding(0.5));
    const usual = bytes(await compute.run(batch()));
    for (const other of [{ step: 6 }, { round: 1 }, { slot: 3 }])
      expect(bytes(await compute.run(batch(other)))).not.toBe(usual);
    expect(bytes(await compute.run(batch()))).toBe(usual);
    const clean = await start(privateModel(own, shape));
    const evaluated = batch({ program: "evaluate" });
    expect(bytes(await compute.run(evaluated))).toBe(bytes(await clean.run(evaluated)));
  });

  it("cost nothing, and teach nothing, where none was drawn", async () => {
    const compute = await start(hiding(1e-9));
    const { gradients, metrics } = await compute.run(batch());
    expect(metrics[1]).toBe(0);
    expect(gradients.every((group) => group.every((value) => value === 0))).toBe(true);
  });

  it("are averaged sample by sample: at weights of 0 each costs log 2, however many of its pixels are hidden", async () => {
    const model = hiding(0.6);
    const compute = await start(model);
    await compute.setParameters(
      model.layout.groups.map(({ index, numbers }) => ({
        ...{ group: index, start: 0 },
        values: new Float32Array(numbers),
      })),
    );
    // Cross-entropy at a probability of one half is log 2 whatever the pixel; a sample without a hidden patch costs nothing.
    const { metrics } = await compute.run(batch());
    const counted = (metrics[1] ?? NaN) / Math.log(2);
    expect(Math.abs(counted - Math.round(counted))).toBeLessThan(1e-5);
    expect(Math.round(counted)).toBeGreaterThan(3);
    expect(Math.round(counted)).toBeLessThanOrEqual(6);
  });
});

describe("noise", () => {
  it("is keyed by step, slot, round and task, and is off when measuring", async () => {
    const compute = await start(privateModel({ noise: { kind: "gaussian", deviation: 0.5 } }));
    const usual = bytes(await compute.run(batch()));
    for (const other of [{ step: 6 }, { round: 1 }, { slot: 3 }])
      expect(bytes(await compute.run(batch(other)))).not.toBe(usual);
    expect(bytes(await compute.run(batch()))).toBe(usual);
    const clean = await start(privateModel({}));
    const evaluated = batch({ program: "evaluate" });
    expect(bytes(await compute.run(evaluated))).toBe(bytes(await clean.run(evaluated)));
  });
});
