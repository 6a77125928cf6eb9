import { defineJob, dense } from "latentweave";

// Digits and clothes: images of the same size that share nothing but their trunk.
// Each task has its own way into the trunk, its own way out of it, and a head that tells its ten classes apart.
const task = {
  input: [784],
  encoder: [dense(256, "relu")],
  decoder: [dense(256, "relu"), dense(784, "sigmoid")],
  reconstruction: { loss: "mse", weight: 20 },
  heads: { label: { kind: "classification", weight: 0.15 } },
  microBatch: 32,
  slots: 4,
} as const;

export default defineJob({
  name: "digits-and-fashion",
  tasks: {
    digits: { ...task, data: { dataset: "mnist" } },
    fashion: { ...task, data: { dataset: "fashion-mnist" } },
  },
  model: {
    kind: "shared",
    trunk: [dense(128, "relu")],
    latent: 32,
    trunkDecoder: [dense(128, "relu")],
  },
  optimiser: { kind: "adam", learningRate: 0.008 },
  schedule: { kind: "cosine", warmupSteps: 20, finalShare: 0.02 },
  steps: 800,
  evaluate: { everySteps: 200 },
});
