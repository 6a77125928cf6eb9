export interface TensorDifference {
  /** First tensor, in the model's order, whose bits differ. */
  readonly tensor: string;
  /** Position of the first such number in the tensor, row by row; null when a run lacks the tensor or its shape differs. */
  readonly index: number | null;
  readonly a: number | null;
  readonly b: number | null;
  /** How many tensors differ, and by how much at most; NaN where a number is no number in one run only. */
  readonly tensors: number;
  readonly maxAbsDifference: number | null;
}

export interface TensorNumbers {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A tensor by its name; undefined when there is none. */
export type ReadTensor = (name: string) => Promise<TensorNumbers | undefined>;

/** Compares tensors bit by bit, in the order of their names as given. */
export async function diffTensors(
  names: Iterable<string>,
  readA: ReadTensor,
  readB: ReadTensor,
): Promise<TensorDifference | null> {
  let first: Omit<TensorDifference, "tensors" | "maxAbsDifference"> | undefined;
  let tensors = 0;
  let maxAbs: number | null = null;
  for (const tensor of names) {
    const found = diffTensor(await readA(tensor), await readB(tensor));
    if (!found) continue;
    tensors += 1;
    first ??= { tensor, index: found.index, a: found.a, b: found.b };
    if (found.maxAbs !== null) maxAbs = maxAbs === null ? found.maxAbs : Math.max(maxAbs, found.maxAbs);
  }
  return first ? { ...first, tensors, maxAbsDifference: maxAbs } : null;
}

interface NumberDifference {
  readonly index: number | null;
  readonly a: number | null;
  readonly b: number | null;
  readonly maxAbs: number | null;
}

function diffTensor(
  one: TensorNumbers | undefined,
  other: TensorNumbers | undefined,
): NumberDifference | undefined {
  if (!one || !other || one.shape.join() !== other.shape.join())
    return { index: null, a: null, b: null, maxAbs: null };
  const [x, y] = [bitsOf(one.values), bitsOf(other.values)];
  const index = x.findIndex((value, at) => value !== y[at]);
  if (index < 0) return undefined;
  let maxAbs = 0;
  for (const [at, value] of one.values.entries())
    if (x[at] !== y[at]) maxAbs = Math.max(maxAbs, Math.abs(value - (other.values[at] as number)));
  return { index, a: one.values[index] as number, b: other.values[index] as number, maxAbs };
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
