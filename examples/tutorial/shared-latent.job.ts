import { defineJob, dense } from "latentweave";

// The tutorial's tasks again, but sharing a latent: each has its own first and last layer, and what lies between them
// is one trunk for all. No width is needed here: every task keeps the shape that its data have.
function task(numbers: number) {
  return {
    input: [numbers],
    encoder: [dense(64, "relu")],
    decoder: [dense(64, "relu"), dense(numbers, "sigmoid")],
    reconstruction: { loss: "bce" },
    microBatch: 16,
    slots: 4,
  } as const;
}

export default defineJob({
  name: "tutorial-shared-latent",
  tasks: {
    digits: { ...task(784), data: { dataset: "mnist", limit: 4000 } },
    iris: { ...task(4), data: { dataset: "iris", scale: "minmax" } },
    penguins: { ...task(7), data: { dataset: "penguins", scale: "minmax" } },
  },
  model: {
    kind: "shared",
    trunk: [dense(64, "relu")],
    latent: { units: 32, activation: "relu" },
    trunkDecoder: [dense(64, "relu")],
  },
  optimiser: { kind: "adam", learningRate: 0.003 },
  steps: 1000,
  evaluate: { everySteps: 250 },
});
