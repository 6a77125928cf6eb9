import { loadArithmetic, randomKey } from "@latentweave/arithmetic";
import type { ComputeModel, MicroBatch } from "@latentweave/model";

const arithmetic = loadArithmetic();

/** Keyed float32 numbers in [low, high) for tests. */
export function uniform(
  numbers: number,
  low: number,
  high: number,
  ...key: readonly (string | number)[]
): Float32Array {
  const pointer = arithmetic.allocate(4 * numbers);
  arithmetic.fillUniform(pointer, numbers, randomKey(20, ...key), 0, low, high);
  const values = arithmetic.f32(pointer, numbers).slice();
  arithmetic.free(pointer, 4 * numbers);
  return values;
}

/** Parameters of every tensor, in ±range. */
export function someParameters(
  model: ComputeModel,
  range = 0.7,
): { group: number; start: number; values: Float32Array }[] {
  return model.layout.groups.flatMap((group) =>
    group.tensors.map((tensor) => ({
      group: group.index,
      start: tensor.offset,
      values: uniform(tensor.numbers, -range, range, tensor.name),
    })),
  );
}

/** A batch for a task whose columns are `value` (floats, `values` a sample) and `label` (of `classes`). */
export function someBatch(
  batch: Pick<MicroBatch, "task" | "samples"> & Partial<MicroBatch>,
  inputNumbers: number,
  columns: { readonly values?: number; readonly classes?: number } = {},
): MicroBatch {
  const { samples, task } = batch;
  const { values = 1, classes = 3 } = columns;
  return {
    ...{ program: "gradient", phase: 0, step: 5, round: 0, slot: 2 },
    x: uniform(samples * inputNumbers, 0, 1, "x", task),
    columns: {
      value: uniform(samples * values, -1, 1, "value", task),
      label: Int32Array.from({ length: samples }, (_, sample) => (2 * sample) % classes),
    },
    ...batch,
  };
}
