import { convolution, defineJob, dense, flatten, reshape, transposedConvolution } from "latentweave";

// The same two tasks as in digits-and-fashion, seen as images. Every task has its own convolutions on both sides;
// the trunk between them, and its latent, are shared.
const half = { strides: 2, activation: "relu" } as const;
const twice = { strides: 2, activation: "relu" } as const;

const task = {
  // 28×28×1 → 14×14×8 → 7×7×16 → 784
  encoder: [convolution(8, 3, half), convolution(16, 3, half), flatten()],
  // 784 → 7×7×16 → 14×14×8 → 28×28×1
  decoder: [
    dense(784, "relu"),
    reshape([7, 7, 16]),
    transposedConvolution(8, 3, twice),
    transposedConvolution(1, 3, { strides: 2, activation: "sigmoid" }),
  ],
  reconstruction: { loss: "mse", weight: 20 },
  heads: { label: { kind: "classification", weight: 0.1 } },
  microBatch: 32,
  slots: 8,
} as const;

export default defineJob({
  name: "convolutional",
  tasks: {
    digits: { ...task, data: { dataset: "mnist" } },
    fashion: { ...task, data: { dataset: "fashion-mnist" } },
  },
  model: {
    kind: "shared",
    trunk: [dense(256, "relu")],
    latent: 32,
    trunkDecoder: [dense(256, "relu")],
  },
  optimiser: { kind: "adam", learningRate: 0.005 },
  schedule: { kind: "cosine", warmupSteps: 20, finalShare: 0.02 },
  steps: 800,
  evaluate: { everySteps: 200 },
});
