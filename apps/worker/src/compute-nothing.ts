import { type Compute, metricNames, type MicroBatchResult } from "@latentweave/model";

/** Small enough that weights stay finite however long it goes on. */
const gradient = 1e-6;

/**
 * In place of a device, gradients of the right sizes at once: then a step is nothing but the exchange, with the same
 * processes, connections, arithmetic, commits and records. Weights are copied to where a device would have them.
 */
export function computeNothing(): Compute {
  let weights: readonly Float32Array[] = [];
  let results = new Map<string, { readonly metrics: number; readonly gradients: readonly Float32Array[] }>();
  return {
    // Of no real run's class: none admits it beside workers that compute.
    determinismClass: { backend: "none" },
    load({ layout, phases }) {
      weights = layout.groups.map(({ numbers }) => new Float32Array(numbers));
      const values = new Map(
        layout.groups.map(({ name, numbers }) => [name, new Float32Array(numbers).fill(gradient)]),
      );
      results = new Map(
        phases.flatMap(({ tasks }, phase) =>
          tasks.map((graph) => {
            const gradients = graph.groups.flatMap((name) => values.get(name) ?? []);
            return [`${phase} ${graph.task}`, { metrics: metricNames(graph).length, gradients }];
          }),
        ),
      );
      return Promise.resolve();
    },
    setParameters(slices) {
      for (const { group, start, values } of slices) weights[group]?.set(values, start);
      return Promise.resolve();
    },
    run({ program, phase, task, samples }): Promise<MicroBatchResult> {
      const result = results.get(`${phase} ${task}`);
      if (!result) throw new Error(`no model of ${task} was loaded`);
      const metrics = new Float64Array(result.metrics);
      // The first is the number of samples.
      metrics[0] = samples;
      const gradients = program === "gradient" ? result.gradients : [];
      return Promise.resolve({ gradients, metrics, readBackMs: 0 });
    },
    infer: () => Promise.reject(new Error("nothing is computed here")),
    close: () => Promise.resolve(),
  };
}
