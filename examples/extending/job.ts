import { defineJob, dense, userLayer } from "latentweave";

// Three tasks with everything that the extension beside this file brings.
const task = {
  encoder: [userLayer("Gain"), dense(24, "relu")],
  decoder: [dense(24, "relu"), dense(16)],
  reconstruction: { loss: "user", name: "pseudo-huber", options: { delta: 0.1 }, weight: 50 },
  heads: { ring: { kind: "classification", weight: 0.3 } },
  microBatch: 16,
  slots: 2,
} as const;
const rings = (options: { readonly rings: number; readonly seed: number; readonly rows: number }) =>
  ({ user: { name: "rings", options }, split: { test: 0.25 } }) as const;

export default defineJob({
  name: "extending",
  extensions: ["./rings-extension"],
  tasks: {
    two: { ...task, data: rings({ rings: 2, seed: 1, rows: 600 }) },
    three: { ...task, data: rings({ rings: 3, seed: 1, rows: 600 }) },
    few: { ...task, data: rings({ rings: 2, seed: 2, rows: 80 }) },
  },
  model: { kind: "shared", trunk: [dense(16, "relu")], latent: 4 },
  combiner: { kind: "user", name: "equal-lengths" },
  regulariser: { omega: "user", name: "chain", lambda: 0.001, on: "encoder", options: { strength: 0.5 } },
  optimiser: { kind: "adam", learningRate: 0.003 },
  steps: 300,
});
