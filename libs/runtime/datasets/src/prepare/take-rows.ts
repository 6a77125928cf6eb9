type Numbers = Uint8Array | Float32Array | Int32Array;

/** Rows of `width` numbers each, in the order of `rows`. */
export function takeRows<T extends Numbers>(all: T, width: number, rows: Uint32Array): T {
  const taken = emptyLike(all, rows.length * width);
  rows.forEach((row, place) => taken.set(all.subarray(row * width, (row + 1) * width), place * width));
  return taken as T;
}

/** By type and not by constructor: bytes read from a file are Node's Buffer, which has a constructor of its own kind. */
function emptyLike(all: Numbers, length: number): Numbers {
  if (all instanceof Float32Array) return new Float32Array(length);
  return all instanceof Int32Array ? new Int32Array(length) : new Uint8Array(length);
}
