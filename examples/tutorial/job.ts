import { defineJob, dense } from "latentweave";

// The field's reference model: one autoencoder per task, trained alone; then every autoencoder takes every sample, and
// one dense layer over all their reconstructions learns the clean sample. docs/tutorial-model.md tells its story.
// Images and tables come to one width: digits as 8×8 pixels, tables with zeros at the end.
const width = 64;
const task = {
  encoder: [dense(64, "relu"), dense(32, "relu")],
  decoder: [dense(64, "relu"), dense(width, "sigmoid")],
  reconstruction: { loss: "bce" },
  microBatch: 16,
  slots: 4,
} as const;

export default defineJob({
  name: "tutorial",
  tasks: {
    digits: { ...task, data: { dataset: "mnist", width, limit: 4000 } },
    iris: { ...task, data: { dataset: "iris", width, scale: "minmax" } },
    penguins: { ...task, data: { dataset: "penguins", width, scale: "minmax" } },
  },
  model: { kind: "bank", pretrain: 0.5, activation: "sigmoid" },
  optimiser: { kind: "adam", learningRate: 0.003 },
  // Half-time, at 500, is no moment to evaluate: the layer over the bank is new then.
  steps: 1000,
  evaluate: { everySteps: 240 },
});
