/**
 * In place of `createThreadedCompute` in the program that exchange-program.mjs builds: gradients of the right sizes at
 * once, so that a step is nothing but the exchange. Weights are copied to where a compute would have them, as there.
 */
import { metricNames } from "@latentweave/model";

/** Small enough that weights stay finite however long it goes on. */
const gradient = 1e-6;

export class ComputeThreadError extends Error {}

export async function createThreadedCompute() {
  let weights = [];
  let results = new Map();
  return {
    backend: "cpu",
    notes: ["it computes nothing"],
    determinismClass: { backend: "none" },
    async load({ layout, phases }) {
      weights = layout.groups.map(({ numbers }) => new Float32Array(numbers));
      const values = layout.groups.map(({ numbers }) => new Float32Array(numbers).fill(gradient));
      const indexOf = new Map(layout.groups.map(({ name, index }) => [name, index]));
      results = new Map(
        phases.flatMap(({ tasks }, phase) =>
          tasks.map((graph) => [
            `${phase} ${graph.task}`,
            { names: metricNames(graph), gradients: graph.groups.map((name) => values[indexOf.get(name)]) },
          ]),
        ),
      );
    },
    async setParameters(slices) {
      for (const { group, start, values } of slices) weights[group].set(values, start);
    },
    async run({ program, phase, task, samples }) {
      const { names, gradients } = results.get(`${phase} ${task}`);
      const metrics = new Float64Array(names.length);
      metrics[0] = samples;
      return { gradients: program === "gradient" ? gradients : [], metrics, readBackMs: 0 };
    },
    infer: () => Promise.reject(new Error("it computes nothing")),
    async close() {},
  };
}
