import { halfToNumber } from "@latentweave/arithmetic";
import type { TensorFlowJsWeight } from "./model-json.ts";

/** How one number lies in the file. */
export interface StoredKind {
  readonly bytesPerNumber: number;
  /** undefined: numbers of this kind are no weights, and are passed over. */
  readonly read: ((view: DataView, position: number) => number) | undefined;
}

/** Little-endian, as TensorFlow.js writes on every machine that it runs on. */
const plain: Readonly<Record<string, StoredKind>> = {
  float32: { bytesPerNumber: 4, read: (view, at) => view.getFloat32(at, true) },
  int32: { bytesPerNumber: 4, read: undefined },
  bool: { bytesPerNumber: 1, read: undefined },
  complex64: { bytesPerNumber: 8, read: undefined },
};

/** What `tensorflowjs_converter --quantize_*` makes of float32. */
const quantised: Readonly<Record<string, StoredKind>> = {
  uint8: { bytesPerNumber: 1, read: (view, at) => view.getUint8(at) },
  uint16: { bytesPerNumber: 2, read: (view, at) => view.getUint16(at, true) },
  float16: { bytesPerNumber: 2, read: (view, at) => halfToNumber(view.getUint16(at, true)) },
};

/** @returns undefined where the format knows no such kind, or it lacks its scale */
export function storedKind({ dtype, quantization }: TensorFlowJsWeight): StoredKind | undefined {
  if (!quantization) return Object.hasOwn(plain, dtype) ? plain[dtype] : undefined;
  const kind = Object.hasOwn(quantised, quantization.dtype) ? quantised[quantization.dtype] : undefined;
  if (!kind || !Object.hasOwn(plain, dtype)) return undefined;
  // Quantised indices and flags are no more weights than plain ones.
  if (dtype !== "float32") return { ...kind, read: undefined };
  if (quantization.dtype === "float16") return kind;
  const { scale, min } = quantization;
  if (scale === undefined || min === undefined) return undefined;
  return { ...kind, read: (view, at) => (kind.read?.(view, at) ?? Number.NaN) * scale + min };
}

/** @param bytes of this weight alone */
export function decodeWeight({ bytesPerNumber, read }: StoredKind, bytes: Uint8Array): Float32Array {
  if (!read) throw new RangeError("numbers of this kind are no weights");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength / bytesPerNumber }, (_, at) =>
    read(view, at * bytesPerNumber),
  );
}
