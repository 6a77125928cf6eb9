import { loadArithmetic, randomKey } from "@latentweave/arithmetic";
import { createInlineCompute, type LoadedBackend, loadBackend } from "@latentweave/compute";
import {
  type Compute,
  type ComputeModel,
  type MicroBatch,
  type ModelDescription,
  metricNames,
  resolveModel,
} from "@latentweave/model";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { plainEvaluate, plainGradient } from "./plain-compute-program.ts";
import { createPlainCompute } from "./plain-compute.ts";

const arithmetic = loadArithmetic();
const open: Compute[] = [];

let backend: LoadedBackend;
beforeAll(async () => {
  backend = await loadBackend({ name: "cpu" });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((compute) => compute.close()));
});

function uniform(numbers: number, low: number, high: number, ...parts: (string | number)[]): Float32Array {
  const pointer = arithmetic.allocate(4 * numbers);
  arithmetic.fillUniform(pointer, numbers, randomKey(11, ...parts), 0, low, high);
  const values = arithmetic.f32(pointer, numbers).slice();
  arithmetic.free(pointer, 4 * numbers);
  return values;
}

const inputNumbers = 6;

function description(kind: "shared" | "bank"): ModelDescription {
  const task = {
    input: null,
    encoder: [
      { kind: "dense", units: 5, activation: "tanh" },
      { kind: "dense", units: 4, activation: "leakyRelu" },
    ],
    decoder: [
      { kind: "dense", units: 5, activation: "gelu" },
      { kind: "dense", units: inputNumbers, activation: "sigmoid" },
    ],
  } as const;
  const heads =
    kind === "bank"
      ? {}
      : ({
          label: { kind: "classification", column: "label", classes: 3, layers: [], weight: 0.5 },
          age: {
            kind: "regression",
            column: "age",
            classes: null,
            layers: [{ kind: "dense", units: 3, activation: "softplus" }],
            weight: 0.25,
          },
        } as const);
  return {
    tasks: {
      one: { ...task, reconstruction: { loss: "bce", weight: 1 }, heads },
      two: {
        ...task,
        reconstruction: kind === "bank" ? { loss: "bce", weight: 2 } : { loss: "mse", weight: 2 },
        heads: {},
      },
    },
    model:
      kind === "bank"
        ? { kind: "bank", activation: "sigmoid" }
        : {
            kind: "shared",
            trunk: [{ kind: "dense", units: 4, activation: "relu" }],
            latent: { units: 3, activation: "linear" },
            trunkDecoder: [{ kind: "dense", units: 4, activation: "sigmoid" }],
          },
    regulariser: { omega: "none", on: "encoder" },
  };
}

function modelOf(kind: "shared" | "bank"): ComputeModel {
  const shape = {
    inputShape: [inputNumbers],
    columns: [
      { name: "label", kind: "class", classes: 3 },
      { name: "age", kind: "number", numbers: 1 },
    ],
  } as const;
  const { layout, phases } = resolveModel(description(kind), { one: shape, two: shape });
  return { layout, phases, seed: 7 };
}

function parametersOf(model: ComputeModel): { group: number; start: number; values: Float32Array }[] {
  return model.layout.groups.flatMap((group) =>
    group.tensors.map((tensor) => ({
      group: group.index,
      start: tensor.offset,
      values: uniform(tensor.numbers, -0.8, 0.8, tensor.name),
    })),
  );
}

function batchOf(phase: number, task: string, program: MicroBatch["program"], samples = 7): MicroBatch {
  return {
    ...{ program, phase, task, samples, step: 3, round: 0, slot: 1 },
    x: uniform(samples * inputNumbers, 0, 1, "x", task),
    columns: {
      label: Int32Array.from({ length: samples }, (_, i) => (i * 2) % 3),
      age: uniform(samples, -1, 1, "age", task),
    },
  };
}

async function loaded(compute: Compute, model: ComputeModel): Promise<Compute> {
  open.push(compute);
  await compute.load(model);
  await compute.setParameters(parametersOf(model));
  return compute;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? NaN))), 0);
}

const cases = [
  { kind: "shared", phase: 0 },
  { kind: "bank", phase: 0 },
  { kind: "bank", phase: 1 },
] as const;

describe("the plain compute and TensorFlow.js", () => {
  for (const { kind, phase } of cases)
    for (const task of ["one", "two"])
      it(`agree to 1e-5 on gradients, losses and metrics of task ${task} in phase ${phase} of a ${kind} model`, async () => {
        const model = modelOf(kind);
        const plain = await loaded(createPlainCompute(), model);
        const tensorflow = await loaded(createInlineCompute(backend), model);
        for (const program of ["gradient", "evaluate"] as const) {
          const batch = batchOf(phase, task, program);
          const ours = await plain.run(batch);
          const theirs = await tensorflow.run(batch);
          expect(ours.gradients).toHaveLength(theirs.gradients.length);
          ours.gradients.forEach((gradient, i) =>
            expect(largestDifference(gradient, theirs.gradients[i] ?? [])).toBeLessThan(1e-5),
          );
          expect(largestDifference(ours.metrics, theirs.metrics)).toBeLessThan(1e-5);
        }
      });

  it("agree on latents, reconstructions and the outputs of heads", async () => {
    const model = modelOf("shared");
    const plain = await loaded(createPlainCompute(), model);
    const tensorflow = await loaded(createInlineCompute(backend), model);
    const { x } = batchOf(0, "one", "evaluate", 4);
    for (const [output, numbers] of [
      ["latent", 3],
      ["reconstruction", inputNumbers],
      ["label", 3],
      ["age", 1],
    ] as const) {
      const request = { phase: 0, task: "one", output, samples: 4, x };
      const ours = await plain.infer(request);
      expect(ours).toHaveLength(4 * numbers);
      expect(largestDifference(ours, await tensorflow.infer(request))).toBeLessThan(1e-5);
    }
  });
});

describe("the float64 gradient", () => {
  for (const { kind, phase } of cases)
    it(`is the slope of the loss in every parameter of a ${kind} model in phase ${phase}`, () => {
      const model = modelOf(kind);
      const parameters = model.layout.groups.map((group) => new Float64Array(group.numbers));
      for (const { group, start, values } of parametersOf(model)) parameters[group]?.set(values, start);
      const batch = { ...batchOf(phase, "one", "gradient"), parameters };
      const graph = model.phases[phase]?.tasks.find(({ task }) => task === "one");
      const { gradients, metrics } = plainGradient(model, batch, arithmetic);
      const loss = (): number => plainEvaluate(model, batch, arithmetic)[1] as number;
      expect(metrics[1]).toBe(loss());
      expect(graph && metricNames(graph)[1]).toBe("loss");
      graph?.groups.forEach((name, index) => {
        const group = model.layout.groups.find((candidate) => candidate.name === name);
        const values = parameters[group?.index ?? -1] as Float64Array;
        for (const tensor of group?.tensors ?? [])
          for (let i = tensor.offset; i < tensor.offset + tensor.numbers; i += 1) {
            const at = values[i] as number;
            const step = 1e-6;
            values[i] = at + step;
            const above = loss();
            values[i] = at - step;
            const below = loss();
            values[i] = at;
            expect(gradients[index]?.[i]).toBeCloseTo((above - below) / (2 * step), 6);
          }
      });
    });
});

describe("the plain compute", () => {
  it("gives the same bits again, and after other calls in between", async () => {
    const model = modelOf("shared");
    const plain = await loaded(createPlainCompute(), model);
    const first = await plain.run(batchOf(0, "one", "gradient"));
    await plain.run(batchOf(0, "two", "gradient"));
    expect(await plain.run(batchOf(0, "one", "gradient"))).toEqual(first);
  });

  it("leaves the padding of groups at zero", async () => {
    const model = modelOf("shared");
    const plain = await loaded(createPlainCompute(), model);
    const { gradients } = await plain.run(batchOf(0, "one", "gradient"));
    const graph = model.phases[0]?.tasks[0];
    graph?.groups.forEach((name, index) => {
      const group = model.layout.groups.find((candidate) => candidate.name === name);
      const padding = gradients[index]?.slice() ?? new Float32Array();
      for (const { offset, numbers } of group?.tensors ?? []) padding.fill(0, offset, offset + numbers);
      expect(padding.some((value) => value !== 0)).toBe(false);
    });
  });

  it("refuses layers that it does not know, naming them", async () => {
    const text = description("shared");
    const one = text.tasks["one"];
    if (!one) throw new Error("the fixture has a task one");
    const shape = { inputShape: [inputNumbers], columns: [] };
    const { layout, phases } = resolveModel(
      { ...text, tasks: { one: { ...one, heads: {}, encoder: [{ kind: "dropout", rate: 0.5 }] } } },
      { one: shape },
    );
    const plain = await loaded(createPlainCompute(), { layout, phases, seed: 1 });
    await expect(plain.run(batchOf(0, "one", "gradient"))).rejects.toThrow(/dropout/);
  });
});
