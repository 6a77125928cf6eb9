import { gunzipSync } from "node:zlib";
import { UserError } from "@latentweave/protocol";
import { readUserFile } from "../files.ts";
import type { ArrayData } from "./array-data.ts";

/** Element types of IDX by the third byte of the magic number (yann.lecun.com/exdb/mnist); all big-endian. */
const idxTypes: Readonly<Record<number, { bytes: number; name: string }>> = {
  0x08: { bytes: 1, name: "uint8" },
  0x09: { bytes: 1, name: "int8" },
  0x0b: { bytes: 2, name: "int16" },
  0x0c: { bytes: 4, name: "int32" },
  0x0d: { bytes: 4, name: "float32" },
  0x0e: { bytes: 8, name: "float64" },
};

/** Reads an IDX file, plain or gzipped. @throws UserError when it is missing, damaged or something else. */
export async function readIdxFile(file: string): Promise<ArrayData> {
  const raw = await readUserFile(file);
  return parseIdx(isGzip(raw) ? gunzipUserFile(raw, file) : raw, file);
}

/** @param where the file's name, for messages */
export function parseIdx(bytes: Uint8Array, where: string): ArrayData {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = idxTypes[bytes[2] ?? 0];
  const rank = bytes[3] ?? 0;
  const headerBytes = 4 + 4 * rank;
  if (bytes.length < headerBytes || bytes[0] !== 0 || bytes[1] !== 0 || !type || rank === 0) {
    throw new UserError({
      what: "is no IDX file",
      where,
      expected: "the bytes 00 00, a type and a rank at the start",
    });
  }
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = shape.reduce((product, size) => product * size, 1);
  const expectedBytes = headerBytes + count * type.bytes;
  if (bytes.length !== expectedBytes) {
    throw new UserError({
      what:
        bytes.length < expectedBytes ? "the file is cut short" : "the file is longer than its header says",
      where,
      expected: `${expectedBytes} bytes for ${shape.join(" x ")} ${type.name}; it has ${bytes.length}`,
      mend: "fetch or write the file again",
    });
  }
  const at = (index: number): number => headerBytes + index * type.bytes;
  switch (type.name) {
    case "uint8":
      return { shape, values: { dtype: "uint8", data: bytes.subarray(headerBytes) } };
    case "int8":
      return {
        shape,
        values: { dtype: "int32", data: Int32Array.from({ length: count }, (_, i) => view.getInt8(at(i))) },
      };
    case "int16":
      return {
        shape,
        values: { dtype: "int32", data: Int32Array.from({ length: count }, (_, i) => view.getInt16(at(i))) },
      };
    case "int32":
      return {
        shape,
        values: { dtype: "int32", data: Int32Array.from({ length: count }, (_, i) => view.getInt32(at(i))) },
      };
    case "float32":
      return {
        shape,
        values: {
          dtype: "float32",
          data: Float32Array.from({ length: count }, (_, i) => view.getFloat32(at(i))),
        },
      };
    default:
      return {
        shape,
        values: {
          dtype: "float32",
          data: Float32Array.from({ length: count }, (_, i) => view.getFloat64(at(i))),
        },
      };
  }
}

/** An IDX file of bytes, as MNIST's: what the catalogue keeps converted images as. */
export function encodeIdx(shape: readonly number[], data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
  const view = new DataView(bytes.buffer);
  bytes[2] = 0x08;
  bytes[3] = shape.length;
  shape.forEach((size, axis) => view.setUint32(4 + 4 * axis, size));
  bytes.set(data, 4 + 4 * shape.length);
  return bytes;
}

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

export function gunzipUserFile(bytes: Uint8Array, where: string): Buffer {
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw new UserError({
      what: "the gzip stream is damaged or cut short",
      where,
      mend: "fetch or write the file again",
      cause: error,
    });
  }
}
