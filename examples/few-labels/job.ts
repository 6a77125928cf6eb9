import { defineJob, dense } from "latentweave";

// 60,000 digits of which 500 have a label: the others train the reconstruction alone. `labels` has the same 500 and
// nothing else, so that evaluating the run shows what the unlabelled ones are worth.
const task = {
  input: [784],
  encoder: [dense(512, "relu")],
  decoder: [dense(512, "relu"), dense(784, "sigmoid")],
  heads: { digit: { kind: "classification", weight: 0.05 } },
  microBatch: 64,
  slots: 4,
} as const;

export default defineJob({
  name: "few labels",
  tasks: {
    few: { ...task, data: { dataset: "mnist", split: { labelledRows: 500 } } },
    labels: { ...task, data: { dataset: "mnist", split: { trainRows: 500 } } },
  },
  model: { kind: "private" },
  steps: 1000,
  evaluate: { everySteps: 500 },
});
