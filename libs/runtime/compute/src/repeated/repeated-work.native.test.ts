import type { Compute, ComputeModel, MicroBatch } from "@latentweave/model";
import { loadPrograms, type Programs } from "@latentweave/native";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { createInlineCompute } from "../model/inline-compute.ts";
import { bytes } from "../testing/determinism-suite.ts";
import { someBatch, someParameters } from "../testing/keyed.ts";
import {
  adversarialModel,
  bankModel,
  convolutionalModel,
  inputNumbers,
  privateModel,
  sharedModel,
  variationalModel,
} from "../testing/models.ts";
import { nativeBackend } from "../testing/native.ts";
import { RepeatedWork } from "./repeated-work.ts";

let native: LoadedBackend;
let tf: Tf;
let programs: Programs;
beforeAll(async () => {
  native = await nativeBackend();
  tf = native.tf;
  const loaded = loadPrograms();
  if (typeof loaded === "string")
    throw new Error(`this test needs the addon; run \`npm run setup\` (${loaded})`);
  programs = loaded;
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe("micro-batches in one call of TensorFlow", () => {
  const steps = 6;

  /** Other parameters, inputs and draws at every step. */
  async function run(model: ComputeModel, numbers: number, more: Partial<MicroBatch>): Promise<string[]> {
    const compute: Compute = createInlineCompute(native);
    await compute.load(model);
    const results: string[] = [];
    for (let step = 0; step < steps; step += 1) {
      await compute.setParameters(
        someParameters(model).map((slice) => ({
          ...slice,
          values: slice.values.map((v) => v * (1 + step / 8)),
        })),
      );
      const batch = someBatch({ task: "one", samples: 7, step, slot: step % 3, ...more }, numbers);
      results.push(bytes(await compute.run({ ...batch, x: batch.x.map((v) => v * (1 - step / 16)) })));
    }
    await compute.close();
    return results;
  }

  it.each([
    ["heads of every kind and dropout", sharedModel([{ kind: "dropout", rate: 0.5 }]), inputNumbers, 0],
    ["the first phase of a bank", bankModel(), inputNumbers, 0],
    ["the second phase of a bank", bankModel(), inputNumbers, 1],
    ["convolutions, pooling, normalisation and dropout", convolutionalModel(), 64, 0],
    [
      "a variational latent with annealing, of samples that are drawn",
      variationalModel({ annealing: { steps: 4 } }),
      inputNumbers,
      0,
    ],
    ["the importance-weighted bound", variationalModel({ samples: 3 }), inputNumbers, 0],
    [
      "a quantised latent",
      privateModel({ latent: { kind: "vectorQuantised", codes: 5, width: 2, commitment: 0.25 } }),
      inputNumbers,
      0,
    ],
    [
      "an adversarial latent, its discriminator with dropout",
      adversarialModel({
        discriminator: [
          { kind: "dense", units: 5, activation: "relu" },
          { kind: "dropout", rate: 0.5 },
        ],
      }),
      inputNumbers,
      0,
    ],
    [
      "samples that are augmented",
      privateModel({
        ...{ binarise: true, noise: { kind: "masking", rate: 0.2 } },
        augment: [
          { kind: "rotate", degrees: 20 },
          { kind: "shift", pixels: 1 },
          { kind: "jitter", deviation: 0.1 },
        ],
        input: [4, 3, 1],
        encoder: [{ kind: "flatten" }, { kind: "dense", units: 5 }],
        decoder: [
          { kind: "dense", units: inputNumbers, activation: "sigmoid" },
          { kind: "reshape", shape: [4, 3, 1] },
        ],
      }),
      inputNumbers,
      0,
    ],
    [
      "a quantised latent whose codes are averages",
      privateModel({
        latent: {
          ...{ kind: "vectorQuantised", codes: 5, width: 2, commitment: 0.25 },
          movingAverage: { decay: 0.9 },
        },
      }),
      inputNumbers,
      0,
    ],
    [
      "patches that are compared alone",
      privateModel(
        {
          noise: { kind: "patches", size: 2, rate: 0.5, compare: "masked" },
          encoder: [{ kind: "flatten" }, { kind: "dense", units: 5, activation: "sigmoid" }],
          decoder: [
            { kind: "dense", units: inputNumbers, activation: "sigmoid" },
            { kind: "reshape", shape: [2, 6, 1] },
          ],
        },
        [2, 6, 1],
      ),
      inputNumbers,
      0,
    ],
    [
      "noise and penalties",
      privateModel({
        noise: { kind: "saltAndPepper", rate: 0.3 },
        encoder: [{ kind: "dense", units: 5, activation: "sigmoid" }],
        penalties: [
          { kind: "l1", weight: 0.1 },
          { kind: "sparsity", rate: 0.1, weight: 0.1 },
          { kind: "contractive", weight: 0.1 },
        ],
      }),
      inputNumbers,
      0,
    ],
  ] as const)(
    "are those of one operation after the other, to the bit: %s",
    async (_title, model, numbers, phase) => {
      for (const program of ["gradient", "evaluate"] as const) {
        const differentiated = vi.spyOn(tf.engine(), "gradients").mockClear();
        vi.stubEnv("LATENTWEAVE_PROGRAMS", "off");
        const oneByOne = await run(model, numbers, { phase, program });
        expect(differentiated).toHaveBeenCalledTimes(program === "gradient" ? steps : 0);
        differentiated.mockClear();
        vi.unstubAllEnvs();
        expect(await run(model, numbers, { phase, program })).toEqual(oneByOne);
        expect(differentiated).toHaveBeenCalledTimes(program === "gradient" ? 2 : 0);
        expect(new Set(oneByOne).size).toBe(steps);
      }
    },
  );
});

describe("work that is done over and over", () => {
  /** @returns how often the work itself was done, and the numbers of each time */
  async function times(
    count: number,
    work: (x: Float32Array, time: number) => readonly Tensor[],
    by: Programs | "none" = programs,
    isMemory: (values: unknown) => boolean = () => false,
  ): Promise<{ done: number; numbers: number[][] }> {
    const repeated = new RepeatedWork(tf, by === "none" ? undefined : by, {
      ...{ owns: isMemory, at: (values) => values, renew: () => undefined },
    });
    let done = 0;
    const numbers: number[][] = [];
    for (let time = 0; time < count; time += 1) {
      const x = Float32Array.of(time, time + 0.5);
      const { values } = await repeated.numbers({
        inputs: [x],
        drawn: new Map(),
        draw: () => new Float32Array(),
        work: () => {
          done += 1;
          return work(x, time);
        },
      });
      numbers.push([...values]);
    }
    return { done, numbers };
  }
  const doubled = (x: Float32Array): Tensor => tf.mul(tf.tensor1d(x), 2);
  const expected = [0, 1, 2, 3].map((time) => [time * 2, time * 2 + 1]);

  it("is a program from the third time on", async () => {
    expect(await times(4, (x) => [doubled(x)])).toEqual({ done: 2, numbers: expected });
  });

  it("is done as ever where there are no programs", async () => {
    expect(await times(4, (x) => [doubled(x)], "none")).toEqual({ done: 4, numbers: expected });
  });

  it("reads whichever memory of its layout is in use", async () => {
    const memories = [Float32Array.of(1, 2), Float32Array.of(10, 20)] as const;
    let current: Float32Array = memories[0];
    const repeated = new RepeatedWork(tf, programs, {
      owns: ({ buffer }) => buffer === current.buffer,
      at: ({ byteOffset, length }) => new Float32Array(current.buffer, byteOffset, length),
      renew: () => undefined,
    });
    const numbers: number[] = [];
    let done = 0;
    for (let time = 0; time < 5; time += 1) {
      current = memories[time % 2] as Float32Array;
      const work = (): readonly Tensor[] => {
        done += 1;
        return [tf.mul(tf.tensor1d(current.subarray(1, 2)), 3)];
      };
      const occasion = { inputs: [], drawn: new Map<Float32Array, string>(), draw: refuse };
      numbers.push(...(await repeated.numbers({ ...occasion, work })).values);
    }
    expect(numbers).toEqual([6, 60, 6, 60, 6]);
    expect(done).toBe(2);
  });

  it("reads memory that has changed meanwhile", async () => {
    const memory = new Float32Array(16);
    const repeated = new RepeatedWork(tf, programs, {
      owns: ({ buffer }) => buffer === memory.buffer,
      ...{ at: (values) => values, renew: () => undefined },
    });
    const numbers: number[] = [];
    for (let time = 0; time < 5; time += 1) {
      memory.fill(time);
      const occasion = { inputs: [], drawn: new Map<Float32Array, string>(), draw: refuse };
      const work = (): readonly Tensor[] => [tf.mul(tf.tensor1d(memory.subarray(0, 2)), 3)];
      numbers.push(...(await repeated.numbers({ ...occasion, work })).values);
    }
    expect(numbers).toEqual([0, 0, 3, 3, 6, 6, 9, 9, 12, 12]);
  });

  it.each<[string, (x: Float32Array, time: number) => readonly Tensor[]]>([
    ["computes with a number that changes", (x, time) => [tf.mul(tf.tensor1d(x), tf.scalar(time + 1))]],
    [
      "does something else from time to time",
      (x, time) => [time % 2 ? doubled(x) : tf.add(tf.tensor1d(x), 1)],
    ],
    ["reads a tensor half-way", (x) => [tf.mul(doubled(x), doubled(x).dataSync()[0] ?? 0)]],
  ])("stays as it is when it %s", async (_title, work) => {
    const { done, numbers } = await times(6, work);
    const { numbers: plain } = await times(6, work, "none");
    expect(done).toBe(6);
    expect(numbers).toEqual(plain);
  });

  it("stays as it is when it uses a tensor that was there before", async () => {
    const there = tf.tensor1d([3, 4]);
    tf.mul(there, 1).dispose();
    const { done } = await times(5, (x) => [tf.mul(tf.tensor1d(x), there)]);
    expect(done).toBe(5);
    there.dispose();
  });

  it("stays as it is when a program gives another bit, or none", async () => {
    const wrong: Programs = {
      ...each(programs),
      run(program, values, out) {
        const ms = programs.run(program, values, out);
        out[0] = (out[0] ?? 0) ^ 1;
        return ms;
      },
    };
    expect(await times(4, (x) => [doubled(x)], wrong)).toEqual({ done: 4, numbers: expected });
    expect(await times(4, (x) => [doubled(x)], { ...each(programs), run: refuse })).toEqual({
      done: 4,
      numbers: expected,
    });
  });

  it("names the operation that fails", () => {
    const program = programs.create(2);
    programs.source(program, 0, 1, Int32Array.of(1), undefined);
    programs.operation(program, "NoSuchOperation", Int32Array.of(0), Int32Array.of(1), Int32Array.of());
    programs.result(program, 1, 0);
    expect(() => programs.run(program, [new Float32Array(1)], new Uint8Array(4))).toThrow(/NoSuchOperation/);
    expect(() => programs.run(program, [new Float32Array(2)], new Uint8Array(4))).toThrow(/other bytes/);
    expect(() =>
      programs.operation(program, "Relu", Int32Array.of(7), Int32Array.of(1), Int32Array.of()),
    ).toThrow(/operation takes/);
  });
});

function refuse(): never {
  throw new Error("not here");
}

/** An addon's functions are not enumerable to everybody. */
function each(addon: Programs): Programs {
  const { create, source, operation, attribute, result, run } = addon;
  return { create, source, operation, attribute, result, run };
}
