import { beforeAll, describe, expect, it } from "vitest";
import { loadBackend } from "../backend/load-backend.ts";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { dropout } from "./dropout.ts";
import { createKernels } from "./kernels.ts";
import { createRandomSource } from "./keyed-random.ts";

let backend: LoadedBackend;
beforeAll(async () => {
  backend = await loadBackend({ name: "cpu" });
});
const source = createRandomSource();

function drop(rate: number, training: boolean, layer = "layer"): Float32Array {
  const { tf } = backend;
  return tf.tidy(() =>
    dropout({
      tf,
      kernels: createKernels(tf),
      spec: { kind: "dropout", rate },
      name: layer,
      input: tf.ones([100, 100]),
      inputShape: [100],
      outputShape: [100],
      parameters: new Map(),
      training,
      random: source.at({ seed: 1, step: 2, round: 0, task: "one", slot: 3 }, layer),
      userLayers: {},
    }).dataSync<"float32">(),
  );
}

describe("dropout in training", () => {
  it("zeroes about `rate` of the numbers and divides the others by what is kept", () => {
    const values = drop(0.25, true);
    const dropped = values.filter((value) => value === 0).length / values.length;
    // Five standard deviations of 10,000 draws.
    expect(Math.abs(dropped - 0.25)).toBeLessThan(0.022);
    expect(values.every((value) => value === 0 || value === Math.fround(1 / 0.75))).toBe(true);
  });

  it("draws other numbers for another layer, and the same for the same", () => {
    expect(drop(0.5, true)).toEqual(drop(0.5, true));
    expect(drop(0.5, true, "other")).not.toEqual(drop(0.5, true));
  });
});

it("dropout without training changes nothing", () => {
  expect(drop(0.25, false).every((value) => value === 1)).toBe(true);
});
