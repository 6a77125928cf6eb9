import { describe, expect, it } from "vitest";
import type { LatentSpec } from "./autoencoder.ts";
import type { ModelDescription, TaskDescription } from "./description.ts";
import type { LayerSpec } from "./layers.ts";
import { resolveModel } from "./resolve-model.ts";

const dense = (units: number, activation: "sigmoid" | "tanh" | "relu" | "linear" = "linear"): LayerSpec => ({
  kind: "dense",
  units,
  activation,
});
const plain: TaskDescription = {
  input: null,
  encoder: [dense(8, "sigmoid")],
  decoder: [dense(12, "sigmoid")],
  reconstruction: { loss: "bce", weight: 2 },
  heads: {},
};
const variational: LatentSpec = {
  ...{ kind: "variational", units: 3, beta: 0.5, annealing: { steps: 7 }, freeBits: 0.1 },
  samples: 1,
};

function resolve(task: Partial<TaskDescription>, model?: ModelDescription["model"], shape = [12]) {
  return resolveModel(
    {
      tasks: { one: { ...plain, ...task } },
      model: model ?? { kind: "private" },
      regulariser: { omega: "none", on: "encoder" },
    },
    { one: { inputShape: shape, columns: [] } },
  );
}

function graphOf(...parameters: Parameters<typeof resolve>) {
  const graph = resolve(...parameters).phases[0]?.tasks[0];
  if (!graph) throw new Error("there is a task");
  return graph;
}

const terms = (graph: ReturnType<typeof graphOf>): unknown[] =>
  graph.losses.map(({ kind, weight }) => [kind, weight]);

describe("a variational latent", () => {
  it("has a layer for means and one for variances, and adds its divergence to the loss", () => {
    const model = resolve({ latent: variational });
    const names = model.groups.flatMap(({ tensors }) => tensors.map(({ name }) => name));
    expect(names.filter((name) => name.includes("latent"))).toEqual([
      "one/encoder/latent/mean/kernel",
      "one/encoder/latent/mean/bias",
      "one/encoder/latent/logVariance/kernel",
      "one/encoder/latent/logVariance/bias",
    ]);
    const graph = graphOf({ latent: variational });
    expect(terms(graph)).toEqual([
      ["reconstruction", 2],
      ["kl", 0.5],
    ]);
    expect(graph.losses[1]).toMatchObject({ annealingSteps: 7, freeBits: 0.1 });
    // Heads and `encode` see the mean.
    expect(graph.nodes[graph.latent ?? -1]).toMatchObject({ name: "one/encoder/latent/mean" });
  });

  it("of several draws is trained by their bound alone, and tells the parts", () => {
    const latent: LatentSpec = { ...variational, beta: 1, annealing: null, freeBits: 0, samples: 5 };
    const graph = graphOf({ latent });
    expect(terms(graph)).toEqual([
      ["bound", 1],
      ["reconstruction", 0],
      ["kl", 0],
    ]);
    expect(graph.groups).toEqual(["one/encoder", "one/decoder"]);
  });

  it("of a shared model lies in the trunk, and draws for each task by itself", () => {
    const graph = graphOf({}, { kind: "shared", trunk: [], latent: variational, trunkDecoder: [] });
    expect(graph.groups).toContain("shared/trunk");
    expect(graph.nodes.find(({ op }) => op === "draw")).toMatchObject({ name: "one/latent" });
  });
});

describe("a quantised latent", () => {
  const latent: LatentSpec = { kind: "vectorQuantised", codes: 16, width: null, commitment: 0.5 };

  it("takes its vectors from the last axis, and has a codebook of its own", () => {
    const image = { encoder: [{ kind: "convolution", filters: 4, kernel: 2, strides: 2 }] } as const;
    const decoder: LayerSpec[] = [
      { kind: "transposedConvolution", filters: 1, kernel: 2, strides: 2, activation: "sigmoid" },
    ];
    const { groups } = resolve({ ...image, decoder, latent }, undefined, [4, 6, 1]);
    expect(groups.find(({ name }) => name === "one/codebook")?.tensors).toMatchObject([
      { name: "one/codebook/codes", shape: [16, 4] },
    ]);
    expect(terms(graphOf({ latent }))).toEqual([
      ["reconstruction", 2],
      ["quantisation", 1],
    ]);
    const shared = graphOf({}, { kind: "shared", trunk: [], latent, trunkDecoder: [] });
    expect(shared.groups).toContain("shared/codebook");
  });

  it("has sums and counts in place of codes that are averages, and begins where those would", () => {
    const movingAverage = { decay: 0.9 };
    const { groups } = resolve({ latent: { ...latent, movingAverage } });
    const bound = { low: -1 / 16, high: 1 / 16 };
    expect(groups.find(({ name }) => name === "one/codebook")?.tensors).toMatchObject([
      {
        ...{ name: "one/codebook/sums", shape: [16, 8], movingAverage },
        initialiser: { kind: "uniform", ...bound, as: "one/codebook/codes" },
      },
      {
        ...{ name: "one/codebook/counts", shape: [16], movingAverage },
        initialiser: { kind: "constant", value: 1 },
      },
    ]);
  });

  it("is refused where its vectors do not fill what was encoded", () => {
    expect(() => resolve({ latent: { ...latent, width: 3 } })).toThrow(/one\.latent\.width[^]*divides 8/);
  });
});

describe("an adversarial latent", () => {
  const latent: LatentSpec = {
    ...{ kind: "adversarial", units: 3, weight: 0.2 },
    discriminator: [{ kind: "dropout", rate: 0.5 }, dense(5, "relu")],
  };
  const discriminatorNodes = (graph: ReturnType<typeof graphOf>): [string, true | undefined][] =>
    graph.nodes.flatMap((node) =>
      node.op === "layer" && node.name.includes("discriminator") ? [[node.name, node.frozen]] : [],
    );

  it("has a discriminator in a group of its own that ends in one logit", () => {
    const { groups } = resolve({ latent });
    expect(groups.find(({ name }) => name === "one/discriminator")?.tensors).toMatchObject([
      { name: "one/discriminator/1/kernel", shape: [3, 5] },
      { name: "one/discriminator/1/bias", shape: [5] },
      { name: "one/discriminator/logit/kernel", shape: [5, 1] },
      { name: "one/discriminator/logit/bias", shape: [1] },
    ]);
    const graph = graphOf({ latent });
    expect(terms(graph)).toEqual([
      ["reconstruction", 2],
      ["generator", 0.2],
      ["discriminator", 1],
    ]);
    expect(graph.nodes[graph.latent ?? -1]).toMatchObject({ name: "one/encoder/latent", shape: [3] });
  });

  it("shows it draws of the prior and detached latents, and freezes it where the latents are to pass", () => {
    const graph = graphOf({ latent });
    const layers = ["0", "1", "1/activation", "logit"].map((layer) => `one/discriminator/${layer}`);
    expect(discriminatorNodes(graph)).toEqual([
      ...layers.map((name) => [`${name}/prior`, undefined]),
      ...layers.map((name) => [name, undefined]),
      ...layers.map((name) => [name, true]),
    ]);
    expect(graph.nodes.filter(({ op }) => op === "prior" || op === "detach")).toMatchObject([
      { op: "prior", from: graph.latent, name: "one/latent/prior", shape: [3] },
      { op: "detach", from: graph.latent, shape: [3] },
    ]);
  });

  it("of a shared model lies in the trunk, and each task has its own discriminator and draws", () => {
    const graph = graphOf({}, { kind: "shared", trunk: [], latent, trunkDecoder: [] });
    expect(graph.groups).toEqual(["one/encoder", "shared/trunk", "one/discriminator", "one/decoder"]);
    expect(graph.nodes[graph.latent ?? -1]).toMatchObject({ name: "shared/trunk/latent" });
    expect(graph.nodes.find(({ op }) => op === "prior")).toMatchObject({ name: "one/latent/prior" });
  });

  it("is refused where a layer of its discriminator takes no row of numbers", () => {
    const convolution: LayerSpec = { kind: "convolution", filters: 2, kernel: 3 };
    expect(() => resolve({ latent: { ...latent, discriminator: [convolution] } })).toThrow(
      /one\.latent\.discriminator\[0\][^]*\[3\]/,
    );
  });
});

describe("tied weights", () => {
  it("leave the decoder its biases alone", () => {
    const { groups } = resolve({
      encoder: [dense(8, "tanh"), dense(4)],
      decoder: [dense(8, "tanh"), dense(12)],
      reconstruction: { loss: "mse", weight: 1 },
      tied: true,
    });
    expect(groups.find(({ name }) => name === "one/decoder")?.tensors.map(({ name }) => name)).toEqual([
      "one/decoder/0/bias",
      "one/decoder/1/bias",
    ]);
  });

  it("need layers that lead back the same way", () => {
    expect(() =>
      resolve({ encoder: [dense(8), dense(4)], decoder: [dense(9), dense(12, "sigmoid")], tied: true }),
    ).toThrow(/one\.decoder\[[01]\]/);
    expect(() => resolve({ encoder: [], tied: true })).toThrow(/tied[^]*no dense layer in the encoder/);
  });
});

describe("a penalty", () => {
  it("that is contractive knows encoders of one dense layer alone", () => {
    const penalties = [{ kind: "contractive", weight: 1 }] as const;
    const found = graphOf({ penalties }).losses.find(({ kind }) => kind === "contractive");
    expect(found).toMatchObject({ activation: "sigmoid", kernel: { tensor: "one/encoder/0/kernel" } });
    for (const encoder of [
      [dense(8, "relu")],
      [dense(8, "tanh"), dense(4, "tanh")],
      [dense(8)],
      [] as LayerSpec[],
    ])
      expect(() => resolve({ encoder, penalties })).toThrow(
        /one\.penalties\[0\][^]*one dense layer[^]*"sigmoid" or "tanh"/,
      );
  });

  it("of a target rate needs a latent between 0 and 1", () => {
    const penalties = [{ kind: "sparsity", rate: 0.1, weight: 1 }] as const;
    expect(graphOf({ penalties }).losses.map(({ name }) => name)).toContain("sparsity");
    expect(() => resolve({ encoder: [dense(8, "tanh")], penalties })).toThrow(/between 0 and 1/);
  });
});

describe("noise", () => {
  it("stands before the encoder, and not before what is to come back", () => {
    const graph = graphOf({ noise: { kind: "masking", rate: 0.5 } });
    expect(graph.nodes[1]).toMatchObject({ op: "noise", from: 0, name: "one/noise" });
    expect(graph.losses[0]).not.toHaveProperty("target");
    const drawn = graphOf({ noise: { kind: "masking", rate: 0.5 }, binarise: true });
    expect(drawn.losses[0]).toMatchObject({ target: 1 });
    expect(drawn.nodes[2]).toMatchObject({ op: "noise", from: 1 });
  });

  it("in patches needs images that they fill", () => {
    const noise = { kind: "patches", size: 5, rate: 0.5 } as const;
    expect(() => resolve({ noise })).toThrow(/one\.noise[^]*\[12\]/);
    expect(() => resolve({ noise, encoder: [{ kind: "flatten" }, dense(4)] }, undefined, [6, 2, 1])).toThrow(
      /one\.noise\.size[^]*divides both sides/,
    );
  });
});
