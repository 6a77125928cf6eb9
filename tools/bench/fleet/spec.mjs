/** A run small enough for a thousand workers on one machine: one task, one dense autoencoder. Runs inside a bundle. */
import { resolveModel } from "@latentweave/model";
import { createLayout } from "@latentweave/parameters";

const task = "signal";
/** As many shards as slots: a newcomer then finds its rows' places with the least effort. */
const rowsPerShard = 64;

/**
 * @param slots micro-batches of a step
 * @param width numbers of a row
 * @param hidden units of the one layer between
 */
export function fleetSpec({ slots, width, hidden, microBatch }) {
  const model = resolveModel(
    {
      tasks: {
        [task]: {
          input: null,
          encoder: [],
          decoder: [{ kind: "dense", units: width, activation: "linear" }],
          reconstruction: { loss: "mse", weight: 1 },
          heads: {},
        },
      },
      model: {
        kind: "shared",
        trunk: [],
        latent: { units: hidden, activation: "linear" },
        trunkDecoder: [],
      },
      regulariser: { omega: "none", on: "heads" },
    },
    { [task]: { inputShape: [width], columns: [] } },
  );
  return {
    format: 1,
    name: "fleet",
    seed: 1,
    groups: model.groups,
    // Longer than anybody waits: whoever measures ends it.
    phases: model.phases.map((phase) => ({
      name: phase.name,
      steps: 1_000_000,
      resetOptimiser: false,
      graphs: phase.tasks,
    })),
    tasks: [
      {
        name: task,
        weight: 1,
        microBatch,
        slots,
        dataHash: "0".repeat(64),
        trainShardRows: Array.from({ length: slots }, () => rowsPerShard),
        evaluationShardRows: [1],
      },
    ],
    optimiser: { kind: "adam", learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    schedule: { kind: "constant", warmupSteps: 0 },
    clipNorm: null,
    combiner: { name: "sum", options: {} },
    regulariser: null,
    evaluation: null,
    checkpointEverySteps: 0,
    windowRows: 16,
    compute: { backend: "cpu", threads: 1 },
    userModule: null,
  };
}

export function gradientBytes(spec) {
  return createLayout(spec.groups).groups.reduce((sum, group) => sum + group.numbers * 4, 0);
}
