import { type Compute, type ComputeModel, metricNames, type MicroBatch } from "@latentweave/model";
import type { ParameterLayout } from "@latentweave/parameters";

/** What a device is about to compute with: all groups' numbers as it holds them. */
export type WeightsInspector = (batch: MicroBatch, parameters: readonly Float32Array[]) => void;

/**
 * A device whose gradients are a keyed hash of the weights' bits, the rows and the slot: cheap, the same everywhere,
 * and different in every bit as soon as a weight, a row, a slot or a step is another. Their magnitudes differ from
 * number to number, so that float32 sums in another order have other bits.
 */
export function createKeyedCompute(inspect: WeightsInspector): Compute {
  let model: ComputeModel | undefined;
  let parameters: Float32Array[] = [];
  const loaded = (): ComputeModel => {
    if (!model) throw new Error("no model is loaded yet");
    return model;
  };
  return {
    determinismClass: { backend: "keyed" },
    async load(next) {
      model = next;
      parameters = next.layout.groups.map(({ numbers }) => new Float32Array(numbers));
    },
    async setParameters(slices) {
      for (const { group, start, values } of slices) parameters[group]?.set(values, start);
    },
    async run(batch) {
      const { layout, phases } = loaded();
      inspect(batch, parameters);
      const graph = phases[batch.phase]?.tasks.find(({ task }) => task === batch.task);
      if (!graph) throw new RangeError(`no task "${batch.task}" in phase ${batch.phase}`);
      const key = keyOf(batch);
      const used = graph.groups.map((name) => groupIndex(layout, name));
      const metrics = new Float64Array(metricNames(graph).length);
      for (let at = 0; at < metrics.length; at++)
        metrics[at] = unit(mix(key ^ Math.imul(at + 1, 0x27d4eb2f)));
      metrics[0] = batch.samples;
      // The task's own, where it has something of its own: losses differ.
      const first = parameters[used[1] ?? used[0] ?? 0]?.[0] ?? 0;
      metrics[1] = 1 + first * first;
      const gradients =
        batch.program === "evaluate"
          ? []
          : used.map((index) =>
              gradientOf(parameters[index] as Float32Array, lengthOf(layout, index), key ^ index),
            );
      return { gradients, metrics };
    },
    // Whoever looks at them all the same is to notice.
    reuse(gradients) {
      for (const gradient of gradients) gradient.fill(Number.NaN);
    },
    infer: () => Promise.reject(new Error("the simulator's device infers nothing")),
    close: async () => undefined,
  };
}

/** `numbers` beyond the group's tensors are padding, and zero. */
function gradientOf(weights: Float32Array, numbers: number, key: number): Float32Array {
  const bits = new Uint32Array(weights.buffer, weights.byteOffset, weights.length);
  const gradient = new Float32Array(weights.length);
  for (let at = 0; at < numbers; at++) {
    const mixed = mix((bits[at] as number) ^ Math.imul(key + at, 0x9e3779b1));
    // Magnitudes over eight powers of two.
    gradient[at] = unit(mixed) * (1 << (mixed & 7));
  }
  return gradient;
}

function keyOf({ step, round, task, slot, x }: MicroBatch): number {
  let key = mix(Math.imul(step + 1, 0x85ebca6b) ^ Math.imul(round + 1, 0xc2b2ae35));
  key = mix(key ^ Math.imul(slot + 1, 0x165667b1) ^ task.charCodeAt(0));
  for (const number of x) key = mix(key ^ Math.imul(number | 0, 0x9e3779b1));
  return key;
}

function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x7feb352d);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}

/** In [-1, 1). */
function unit(mixed: number): number {
  return mixed / 2_147_483_648;
}

function groupIndex(layout: ParameterLayout, name: string): number {
  return layout.groups.findIndex((group) => group.name === name);
}

function lengthOf(layout: ParameterLayout, index: number): number {
  return layout.groups[index]?.tensors.reduce((sum, { numbers }) => sum + numbers, 0) ?? 0;
}
