import { loadArithmetic, randomKey } from "@latentweave/arithmetic";
import { createInlineCompute, loadBackend, type LoadedBackend } from "@latentweave/compute";
import { createSlotOrder, dealUnits } from "@latentweave/data";
import type { ResolvedOptimiser } from "@latentweave/job";
import type { ComputeModel } from "@latentweave/model";
import { createLayout, type ParameterLayout } from "@latentweave/parameters";
import type { RunSpec, TaskSpec } from "@latentweave/plan";
import type { CheckpointSource } from "@latentweave/protocol";
import { beforeAll, describe, expect, it } from "vitest";
import { createCluster, randomRows } from "./cluster.ts";
import { plainGradient } from "./plain-compute-program.ts";
import { smallClasses, smallSpec, smallWidth } from "./small-job.ts";

/*
 * The whole product (real engines, TensorFlow's kernels, sums of many micro-batches, WebAssembly optimisers, all in
 * float32) beside a loop of a few lines in float64 that sees each step's samples as one batch.
 */

const steps = 50;
const tolerance = 1e-5;
const arithmetic = loadArithmetic();
const rows = randomRows(smallWidth, smallClasses);
let backend: LoadedBackend;

beforeAll(async () => {
  backend = await loadBackend({ name: "native", threads: 1 });
});

/** Random parameters for both sides to begin from, as a checkpoint of version 0. */
function beginning(
  layout: ParameterLayout,
  sections: readonly string[],
): CheckpointSource & { groups: Float32Array[] } {
  const groups = layout.groups.map((group) => {
    const values = new Float32Array(group.numbers);
    const pointer = arithmetic.allocate(group.numbers * 4);
    for (const tensor of group.tensors) {
      arithmetic.fillNormal(pointer, tensor.numbers, randomKey(3, tensor.name), 0, 0, 0.3);
      values.set(arithmetic.f32(pointer, tensor.numbers), tensor.offset);
    }
    return values;
  });
  return {
    groups,
    version: 0,
    sections: ["parameters", ...sections],
    read: async (section, slice) => {
      const values =
        section === "parameters"
          ? groups[slice.group]
          : new Float32Array(layout.groups[slice.group]?.numbers ?? 0);
      const part = (values as Float32Array).slice(slice.start, slice.start + slice.numbers);
      return new Uint8Array(part.buffer);
    },
  };
}

/** Float64 state of one optimiser over one vector: written from the papers, not from the product. */
function referenceOptimiser(
  config: ResolvedOptimiser,
  numbers: number,
): (w: Float64Array, g: Float64Array, t: number) => void {
  const first = new Float64Array(numbers);
  const second = new Float64Array(numbers);
  return (w, g, t) => {
    for (let i = 0; i < numbers; i++) {
      const gradient = g[i] as number;
      if (config.kind === "sgd") w[i] = (w[i] as number) - config.learningRate * gradient;
      else if (config.kind === "momentum") {
        first[i] = config.momentum * (first[i] as number) + gradient;
        w[i] = (w[i] as number) - config.learningRate * (first[i] as number);
      } else {
        const decay = config.kind === "adamw" ? config.weightDecay : 0;
        w[i] = (w[i] as number) * (1 - config.learningRate * decay);
        first[i] = config.beta1 * (first[i] as number) + (1 - config.beta1) * gradient;
        second[i] = config.beta2 * (second[i] as number) + (1 - config.beta2) * gradient * gradient;
        const corrected = (first[i] as number) / (1 - Math.pow(config.beta1, t));
        const spread = Math.sqrt((second[i] as number) / (1 - Math.pow(config.beta2, t)));
        w[i] = (w[i] as number) - (config.learningRate * corrected) / (spread + config.epsilon);
      }
    }
  };
}

async function referenceRun(
  spec: RunSpec,
  layout: ParameterLayout,
  initial: readonly Float32Array[],
): Promise<Float64Array[]> {
  const model: ComputeModel = {
    layout,
    seed: spec.seed,
    phases: spec.phases.map(({ name, graphs }) => ({ name, tasks: graphs })),
  };
  const weights = initial.map((group) => Float64Array.from(group));
  const optimisers = weights.map((group) => referenceOptimiser(spec.optimiser, group.length));
  const readers = spec.tasks.map((task) => rows(task));
  const orders = spec.tasks.map((task) =>
    createSlotOrder({
      ...{ seed: spec.seed, task: task.name, slots: task.slots, windowRows: spec.windowRows },
      units: dealUnits(task.trainShardRows, task.slots),
    }),
  );
  for (let step = 0; step < steps; step++) {
    const total = weights.map((group) => new Float64Array(group.length));
    for (const [index, task] of spec.tasks.entries()) {
      const refs = Array.from({ length: task.slots }, (_, slot) =>
        (orders[index] as (typeof orders)[number]).refs(slot, step * task.microBatch, task.microBatch),
      ).flat();
      const { x, columns } = await (readers[index] as (typeof readers)[number]).rows("train", refs, ["y"]);
      const batch = { phase: 0, task: task.name, samples: refs.length, x, columns, parameters: weights };
      addGradients(total, layout, spec, task, plainGradient(model, batch, arithmetic).gradients, refs.length);
    }
    for (const [group, optimise] of optimisers.entries())
      optimise(weights[group] as Float64Array, total[group] as Float64Array, step + 1);
  }
  return weights;
}

function addGradients(
  total: readonly Float64Array[],
  layout: ParameterLayout,
  spec: RunSpec,
  task: TaskSpec,
  gradients: readonly Float64Array[],
  samples: number,
): void {
  const names = spec.phases[0]?.graphs.find((graph) => graph.task === task.name)?.groups ?? [];
  for (const [place, name] of names.entries()) {
    const into = total[layout.groups.findIndex((group) => group.name === name)] as Float64Array;
    for (const [i, value] of (gradients[place] as Float64Array).entries())
      into[i] = (into[i] as number) + (value * task.weight) / samples;
  }
}

/** Largest relative L2 distance of any tensor. */
function distance(
  layout: ParameterLayout,
  ours: readonly Float32Array[],
  truth: readonly Float64Array[],
): number {
  let worst = 0;
  for (const group of layout.groups) {
    for (const tensor of group.tensors) {
      let difference = 0;
      let norm = 0;
      for (let i = tensor.offset; i < tensor.offset + tensor.numbers; i++) {
        const expected = truth[group.index]?.[i] as number;
        difference += ((ours[group.index]?.[i] as number) - expected) ** 2;
        norm += expected ** 2;
      }
      worst = Math.max(worst, Math.sqrt(difference / norm));
    }
  }
  return worst;
}

async function productRun(
  spec: RunSpec,
  layout: ParameterLayout,
  resume: CheckpointSource,
): Promise<Float32Array[]> {
  const cluster = createCluster({
    ...{ spec, shards: 2, expectedWorkers: 3, rows, seed: 1, resume },
    computeOf: () => createInlineCompute(backend),
  });
  for (const name of ["a", "b", "c"]) cluster.addWorker(name);
  expect(await cluster.finish()).toMatchObject({ state: "finished" });
  const last = await cluster.store.latestCheckpoint();
  const groups: Float32Array[] = [];
  for (const group of layout.groups) {
    const bytes = await last?.read("parameters", { group: group.index, start: 0, numbers: group.numbers });
    groups.push(new Float32Array((bytes as Uint8Array).slice().buffer));
  }
  return groups;
}

const optimisers: readonly (readonly [ResolvedOptimiser, readonly string[]])[] = [
  [{ kind: "sgd", learningRate: 0.1 }, []],
  [{ kind: "momentum", learningRate: 0.05, momentum: 0.9, nesterov: false }, ["velocity"]],
  [{ kind: "adam", learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }, ["m", "v"]],
  [
    { kind: "adamw", learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    ["m", "v"],
  ],
];

describe("training is what the formulas say", () => {
  for (const [optimiser, sections] of optimisers) {
    it(`stays within ${tolerance} of a float64 loop over the full batch for ${steps} steps of ${optimiser.kind}`, async () => {
      const spec = smallSpec({ steps, optimiser, evaluation: null });
      const layout = createLayout(spec.groups);
      const initial = beginning(layout, sections);
      const truth = await referenceRun(spec, layout, initial.groups);
      const ours = await productRun(spec, layout, initial);
      const far = distance(layout, ours, truth);
      console.log(`${optimiser.kind}: largest relative L2 distance ${far.toExponential(2)}`);
      expect(far).toBeLessThanOrEqual(tolerance);
      // The loop moved: the comparison is not of two untouched copies.
      expect(distance(layout, initial.groups, truth)).toBeGreaterThan(0.01);
    });
  }

  it(`stays within ${tolerance} of tf.train.adam for ${steps} steps`, async () => {
    const optimiser = optimisers[2]?.[0] as ResolvedOptimiser & { kind: "adam" };
    const spec = smallSpec({ steps, optimiser, evaluation: null });
    const layout = createLayout(spec.groups);
    const initial = beginning(layout, ["m", "v"]);
    const ours = await productRun(spec, layout, initial);
    const theirs = await tfRun(spec, layout, initial.groups, optimiser);
    expect(distance(layout, ours, theirs)).toBeLessThanOrEqual(tolerance);
  });
});

/** TensorFlow.js's own Adam on whole groups, with float64 gradients at its own weights. */
async function tfRun(
  spec: RunSpec,
  layout: ParameterLayout,
  initial: readonly Float32Array[],
  config: ResolvedOptimiser & { kind: "adam" },
): Promise<Float64Array[]> {
  const { tf } = backend;
  const adam = tf.train.adam(config.learningRate, config.beta1, config.beta2, config.epsilon);
  const variables = initial.map((group, index) => tf.variable(tf.tensor1d(group), true, `group-${index}`));
  const model: ComputeModel = {
    layout,
    seed: spec.seed,
    phases: spec.phases.map(({ name, graphs }) => ({ name, tasks: graphs })),
  };
  for (let step = 0; step < steps; step++) {
    const weights = variables.map((variable) => Float64Array.from(variable.dataSync()));
    const total = weights.map((group) => new Float64Array(group.length));
    for (const task of spec.tasks) {
      const order = createSlotOrder({
        ...{ seed: spec.seed, task: task.name, slots: task.slots, windowRows: spec.windowRows },
        units: dealUnits(task.trainShardRows, task.slots),
      });
      const refs = Array.from({ length: task.slots }, (_, slot) =>
        order.refs(slot, step * task.microBatch, task.microBatch),
      ).flat();
      const { x, columns } = await rows(task).rows("train", refs, ["y"]);
      const batch = { phase: 0, task: task.name, samples: refs.length, x, columns, parameters: weights };
      addGradients(total, layout, spec, task, plainGradient(model, batch, arithmetic).gradients, refs.length);
    }
    adam.applyGradients(
      variables.map((variable, index) => ({
        name: variable.name,
        tensor: tf.tensor1d(Float32Array.from(total[index] as Float64Array)),
      })),
    );
  }
  return variables.map((variable) => Float64Array.from(variable.dataSync()));
}
