import { readFile } from "node:fs/promises";
import path from "node:path";
import { UserError } from "@latentweave/protocol";
import { diskError, errorCode } from "../disk-error.ts";
import type { WeightSource, WeightTensor } from "../weight-source.ts";
import { decodeWeight, type StoredKind, storedKind } from "./decode-weight.ts";
import { type ModelJson, modelJsonSchema, type TensorFlowJsWeight } from "./model-json.ts";

/** One float32 weight of a model, and where its bytes are. */
interface Placed extends WeightTensor {
  readonly kind: StoredKind;
  readonly bytes: Uint8Array;
}

/**
 * Weights of a TensorFlow.js model (a layers model or a graph model) on disk: float32, plain or quantised to uint8, uint16
 * or float16. Other tensors that a graph has, such as indices, are passed over. All shards are read at once.
 * @param file the `model.json`
 * @throws UserError when it is none, a shard is missing or of another size, or a dtype is not known
 */
export async function openTensorFlowJs(file: string): Promise<WeightSource> {
  const tensors: Placed[] = [];
  for (const group of (await readModel(file)).weightsManifest) {
    const shards = await Promise.all(group.paths.map((shard) => readShard(file, shard)));
    tensors.push(...placeWeights(file, group, Buffer.concat(shards)));
  }
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return {
    tensors: tensors.map(({ name, shape }) => ({ name, shape })),
    readFloat32({ name }) {
      const tensor = byName.get(name);
      if (!tensor) throw new RangeError(`${file} has no weight "${name}"`);
      return Promise.resolve(decodeWeight(tensor.kind, tensor.bytes));
    },
    close: () => Promise.resolve(),
  };
}

async function readModel(file: string): Promise<ModelJson> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw diskError(error, file);
    throw notModel(file, `it is not JSON: ${error.message}`);
  }
  const parsed = modelJsonSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw notModel(file, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`);
}

function notModel(file: string, reason: string): UserError {
  return new UserError({
    where: file,
    what: `this is no TensorFlow.js model: ${reason}`,
    expected: "a model.json with weightsManifest: groups of paths and weights",
    mend: "write it with model.save() or tensorflowjs_converter, and name the model.json or its folder",
  });
}

async function readShard(file: string, shard: string): Promise<Buffer> {
  const folder = path.dirname(file);
  const place = path.resolve(folder, shard);
  if (/^[a-z]+:\/\//i.test(shard) || path.relative(folder, place).startsWith(".."))
    throw new UserError({
      where: file,
      what: `the shard "${shard}" lies outside the model's folder`,
      expected: "files beside model.json: nothing is downloaded",
      mend: "bring the shard there, and name it in weightsManifest",
    });
  try {
    return await readFile(place);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw diskError(error, place);
    throw new UserError({
      where: file,
      what: `the shard "${shard}" is not there`,
      expected: `a file ${place}`,
      mend: "copy all .bin files of the model beside its model.json",
    });
  }
}

function placeWeights(
  file: string,
  { paths, weights }: ModelJson["weightsManifest"][number],
  bytes: Buffer,
): Placed[] {
  const placed: Placed[] = [];
  let at = 0;
  for (const weight of weights) {
    const kind = storedKind(weight);
    if (!kind) throw unknownKind(file, weight);
    const end = at + kind.bytesPerNumber * weight.shape.reduce((product, size) => product * size, 1);
    if (end > bytes.length)
      throw new UserError({
        where: file,
        what: `the weight "${weight.name}" ends at byte ${end} of its group, but ${paths.join(", ")} hold ${bytes.length}`,
        expected: `shapes and shards that agree: [${weight.shape.join(", ")}] of ${weight.quantization?.dtype ?? weight.dtype}`,
        mend: "copy the .bin files again, they are cut or of another model",
      });
    if (kind.read)
      placed.push({ name: weight.name, shape: weight.shape, kind, bytes: bytes.subarray(at, end) });
    at = end;
  }
  if (at === bytes.length) return placed;
  throw new UserError({
    where: file,
    what: `${paths.join(", ")} hold ${bytes.length} bytes, but the weights of the group are ${at}`,
    expected: "as many bytes as the weights have",
    mend: "copy model.json and the .bin files again: they are of different models",
  });
}

function unknownKind(file: string, { name, dtype, quantization }: TensorFlowJsWeight): UserError {
  const what = quantization
    ? `is ${dtype} quantised to ${quantization.dtype}${quantization.scale === undefined || quantization.min === undefined ? " without scale and min" : ""}`
    : `is of the dtype "${dtype}"`;
  return new UserError({
    where: file,
    what: `the weight "${name}" ${what}`,
    expected: "float32, or float32 quantised to uint8 or uint16 (with scale and min) or float16",
    mend: "convert the model again, without quantisation or with one of these",
  });
}
