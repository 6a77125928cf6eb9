import { defineJob, dense } from "latentweave";

// Eight tasks, some of which have reason to help each other and some of which have none: two sets of images and four
// tables, all brought to rows of 64 numbers, and the images once more with few samples.
const width = 64;
const task = {
  encoder: [dense(48, "relu")],
  decoder: [dense(48, "relu"), dense(width, "sigmoid")],
  reconstruction: { loss: "mse", weight: 20 },
  microBatch: 16,
  slots: 2,
} as const;
const images = { width, split: { validation: 0.2 } } as const;
const table = { width, scale: "minmax", split: { validation: 0.2, test: 0.2 } } as const;

export default defineJob({
  name: "relatedness",
  tasks: {
    digits: { ...task, data: { ...images, dataset: "mnist", limit: 4000 } },
    fashion: { ...task, data: { ...images, dataset: "fashion-mnist", limit: 4000 } },
    "few-digits": { ...task, data: { ...images, dataset: "mnist", limit: 60 } },
    "few-fashion": { ...task, data: { ...images, dataset: "fashion-mnist", limit: 60 } },
    iris: { ...task, data: { ...table, dataset: "iris" } },
    penguins: { ...task, data: { ...table, dataset: "penguins" } },
    cars: { ...task, data: { ...table, dataset: "cars" } },
    weather: { ...task, data: { ...table, dataset: "seattle-weather" } },
  },
  model: { kind: "shared", trunk: [dense(32, "relu")], latent: 8, trunkDecoder: [dense(32, "relu")] },
  optimiser: { kind: "adam", learningRate: 0.003 },
  steps: 300,
});
