import { createMappedMemory, type MappedMemory } from "@latentweave/compute";
import { type Compute, metricNames, type MicroBatchResult } from "@latentweave/model";
import type { ParameterLayout } from "@latentweave/parameters";

/** Small enough that weights stay finite however long it goes on. */
const gradient = 1e-6;

/**
 * In place of a device, gradients of the right sizes at once: then a step is nothing but the exchange, with the same
 * processes, connections, arithmetic, commits and records. Weights are where a device would have them: in memory that is
 * mapped, or copied to.
 */
export function computeNothing(): Compute {
  let weights: readonly Float32Array[] = [];
  let mapped: MappedMemory | undefined;
  let layout: ParameterLayout | undefined;
  let results = new Map<string, { readonly metrics: number; readonly gradients: readonly Float32Array[] }>();
  return {
    // Of no real run's class: none admits it beside workers that compute.
    determinismClass: { backend: "none" },
    load({ layout: own, phases }) {
      layout = own;
      mapped = undefined;
      weights = own.groups.map(({ numbers }) => new Float32Array(numbers));
      const values = new Map(
        own.groups.map(({ name, numbers }) => [name, new Float32Array(numbers).fill(gradient)]),
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
    mapWeights(shard, place) {
      if (!layout) return Promise.resolve("no model is loaded");
      mapped ??= createMappedMemory(layout);
      return Promise.resolve(mapped.map(shard, place));
    },
    run({ program, phase, task, samples, step, ...batch }): Promise<MicroBatchResult> {
      const result = results.get(`${phase} ${task}`);
      if (!result) throw new Error(`no model of ${task} was loaded`);
      const metrics = new Float64Array(result.metrics);
      // The first is the number of samples.
      metrics[0] = samples;
      const gradients = program === "gradient" ? result.gradients : [];
      const overwritten = batch.mapped !== undefined && mapped?.holds(step) === false;
      return Promise.resolve({ gradients, metrics, readBackMs: 0, overwritten });
    },
    infer: () => Promise.reject(new Error("nothing is computed here")),
    close: () => Promise.resolve(),
  };
}
