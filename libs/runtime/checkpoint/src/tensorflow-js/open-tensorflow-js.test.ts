import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openWeights } from "../open-weights.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "latentweave-tfjs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ignore = (): void => undefined;

interface Group {
  readonly paths: readonly string[];
  readonly weights: readonly object[];
}

/** A model whose shards hold these bytes, in hexadecimal. */
function write(groups: readonly Group[], shards: Readonly<Record<string, string>>): string {
  const model = {
    format: "layers-model",
    generatedBy: "keras v2.15.0",
    modelTopology: null,
    weightsManifest: groups,
  };
  writeFileSync(path.join(folder, "model.json"), JSON.stringify(model));
  for (const [name, hex] of Object.entries(shards))
    writeFileSync(path.join(folder, name), Buffer.from(hex.replaceAll(" ", ""), "hex"));
  return folder;
}

async function read(target: string): Promise<Record<string, unknown>> {
  const source = await openWeights(target, ignore);
  const values: Record<string, unknown> = {};
  for (const tensor of source.tensors)
    values[`${tensor.name} [${tensor.shape.join(", ")}]`] = [...(await source.readFloat32(tensor))];
  await source.close();
  return values;
}

const kernel = { name: "dense_1/kernel", shape: [2, 2], dtype: "float32" };
const bias = { name: "dense_1/bias", shape: [2], dtype: "float32" };
const one = (weight: object): Group[] => [{ paths: ["a.bin"], weights: [weight] }];

describe("weights of a TensorFlow.js model", () => {
  it("are float32 by name and shape, from the folder or the file, through shards that cut a tensor", async () => {
    // 1, -2, 0.5, 3 and 0.25, -1; the second shard begins inside the kernel's third number.
    write([{ paths: ["a.bin", "b.bin"], weights: [kernel, bias] }], {
      "a.bin": "0000803f 000000c0 0000",
      "b.bin": "003f 00004040 0000803e 000080bf",
    });
    const wanted = { "dense_1/kernel [2, 2]": [1, -2, 0.5, 3], "dense_1/bias [2]": [0.25, -1] };
    expect(await read(folder)).toEqual(wanted);
    expect(await read(path.join(folder, "model.json"))).toEqual(wanted);
  });

  it("are of several groups, and a tensor without axes is one number", async () => {
    write(
      [
        { paths: ["a.bin"], weights: [bias] },
        { paths: ["b.bin"], weights: [{ name: "scale", shape: [], dtype: "float32" }] },
      ],
      { "a.bin": "0000803e 000080bf", "b.bin": "00004040" },
    );
    expect(await read(folder)).toEqual({ "dense_1/bias [2]": [0.25, -1], "scale []": [3] });
  });

  it.each([
    ["uint8", { scale: 0.5, min: -1 }, "00 02 ff", [-1, 0, 126.5]],
    ["uint16", { scale: 0.25, min: -2 }, "0000 0800 ffff", [-2, 0, 16381.75]],
    // Smallest subnormal and largest of binary16.
    ["float16", {}, "00bc 0100 ff7b", [-1, 2 ** -24, 65504]],
  ])("quantised to %s are scaled and moved back", async (dtype, more, hex, values) => {
    const weight = { name: "w", shape: [3], dtype: "float32", quantization: { dtype, ...more } };
    expect(await read(write(one(weight), { "a.bin": hex }))).toEqual({ "w [3]": values });
  });

  it("of a graph leave its indices and flags out, and lie behind them all the same", async () => {
    const weights = [
      { name: "shape", shape: [2], dtype: "int32" },
      { name: "flag", shape: [1], dtype: "bool" },
      bias,
    ];
    const shards = { "a.bin": "01000000 02000000 01 0000803e 000080bf" };
    expect(await read(write([{ paths: ["a.bin"], weights }], shards))).toEqual({
      "dense_1/bias [2]": [0.25, -1],
    });
  });
});

describe("a TensorFlow.js model is refused", () => {
  const quantised = (quantization: object): object => ({ ...bias, quantization });

  it.each<[string, Group[], Record<string, string>, string]>([
    ["without a shard", [{ paths: ["gone.bin"], weights: [bias] }], {}, 'the shard "gone.bin" is not there'],
    [
      "with a shard that is cut",
      one(bias),
      { "a.bin": "0000803e" },
      'the weight "dense_1/bias" ends at byte 8 of its group, but a.bin hold 4',
    ],
    [
      "with bytes left over",
      one(bias),
      { "a.bin": "0000803e 000080bf 00" },
      "hold 9 bytes, but the weights of the group are 8",
    ],
    [
      "with a dtype of no weights' kind",
      one({ ...bias, dtype: "string" }),
      { "a.bin": "00" },
      'is of the dtype "string"',
    ],
    [
      "with an unknown quantisation",
      one(quantised({ dtype: "int4", scale: 1, min: 0 })),
      { "a.bin": "00" },
      "is float32 quantised to int4",
    ],
    [
      "quantised without its scale",
      one(quantised({ dtype: "uint8", min: 0 })),
      { "a.bin": "0000" },
      "quantised to uint8 without scale and min",
    ],
    [
      "with shards elsewhere",
      [{ paths: ["../a.bin"], weights: [bias] }],
      {},
      "lies outside the model's folder",
    ],
    [
      "with shards on the web",
      [{ paths: ["https://example.org/a.bin"], weights: [bias] }],
      {},
      "lies outside the model's folder",
    ],
  ])("%s", async (_, groups, shards, message) => {
    await expect(openWeights(write(groups, shards), ignore)).rejects.toThrow(message);
  });

  it("where its file is of another kind", async () => {
    const file = path.join(folder, "job.json");
    writeFileSync(file, '{"tasks": {}}');
    await expect(openWeights(file, ignore)).rejects.toThrow(
      "this is no TensorFlow.js model: weightsManifest",
    );
    writeFileSync(file, "{");
    await expect(openWeights(file, ignore)).rejects.toThrow("it is not JSON");
  });
});
