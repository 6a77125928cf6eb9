import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { openWeights, type WeightSource } from "@latentweave/checkpoint";
import { loadBackend } from "@latentweave/compute";
import { createLayout } from "@latentweave/parameters";
import { afterAll, describe, expect, it } from "vitest";
import { takeWeights } from "./take-weights.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-take-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const zeros = { kind: "constant", value: 0 } as const;
const layout = createLayout([
  {
    name: "digits/encoder",
    tasks: ["digits"],
    tensors: [
      { name: "digits/encoder/0/kernel", shape: [3, 2], initialiser: zeros },
      { name: "digits/encoder/0/bias", shape: [2], initialiser: zeros },
      { name: "digits/encoder/1/scale", shape: [2], initialiser: zeros },
    ],
  },
]);
const rename = {
  "dense_1/": "digits/encoder/0/",
  "layer_normalization/gamma": "digits/encoder/1/scale",
};

/** A model as TensorFlow.js itself encodes its weights. */
async function writtenByTensorFlow(): Promise<string> {
  const { tf } = await loadBackend({ name: "cpu" });
  const { data, specs } = await tf.io.encodeWeights({
    "dense_1/kernel": tf.tensor2d([1, -2, 0.1, 4, 1e-9, 6], [3, 2]),
    "dense_1/bias": tf.tensor1d([0.5, -0.5]),
    "dense_2/kernel": tf.tensor2d([9], [1, 1]),
    steps: tf.tensor1d([7], "int32"),
    "layer_normalization/gamma": tf.tensor1d([2, 3]),
  });
  const bytes = new Uint8Array(data);
  const paths = ["group1-shard1of2.bin", "group1-shard2of2.bin"];
  writeFileSync(path.join(folder, paths[0] as string), bytes.subarray(0, 10));
  writeFileSync(path.join(folder, paths[1] as string), bytes.subarray(10));
  const manifest = [{ paths, weights: specs }];
  writeFileSync(
    path.join(folder, "model.json"),
    JSON.stringify({ format: "layers-model", weightsManifest: manifest }),
  );
  return folder;
}

const openWritten = async (): Promise<WeightSource> =>
  await openWeights(await writtenByTensorFlow(), () => undefined);
const empty = (): Float32Array[] => layout.groups.map(({ numbers }) => new Float32Array(numbers));

describe("weights that TensorFlow.js wrote", () => {
  it("come to the tensors that rename says, bit for bit, and others stay as they were", async () => {
    const groups = empty();
    const source = await openWritten();
    expect(await takeWeights(source, { from: "tf", only: null, rename }, layout, groups)).toBe(3);
    const own = (name: string): number[] => {
      const tensor = layout.groups[0]?.tensors.find((one) => one.name === name);
      return [...(groups[0] ?? []).slice(tensor?.offset, (tensor?.offset ?? 0) + (tensor?.numbers ?? 0))];
    };
    expect(own("digits/encoder/0/kernel")).toEqual([...Float32Array.of(1, -2, 0.1, 4, 1e-9, 6)]);
    expect(own("digits/encoder/0/bias")).toEqual([0.5, -0.5]);
    expect(own("digits/encoder/1/scale")).toEqual([2, 3]);
  });

  it("are only those that are named", async () => {
    const only = ["*/bias"];
    expect(await takeWeights(await openWritten(), { from: "tf", only, rename }, layout, empty())).toBe(1);
  });

  it("of another shape are refused, and so is a model of which nothing fits", async () => {
    const wrong = { "dense_2/": "digits/encoder/0/" };
    await expect(
      takeWeights(await openWritten(), { from: "tf", only: null, rename: wrong }, layout, empty()),
    ).rejects.toThrow('tensor "dense_2/kernel" has the shape [1, 1], but "digits/encoder/0/kernel"');
    await expect(
      takeWeights(await openWritten(), { from: "tf", only: null, rename: {} }, layout, empty()),
    ).rejects.toThrow("has no tensor that this model has");
  });
});
