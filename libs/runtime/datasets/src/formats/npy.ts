import { halfToNumber } from "@latentweave/arithmetic";
import { UserError } from "@latentweave/protocol";
import { readUserFile } from "../files.ts";
import type { ArrayData } from "./array-data.ts";

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
const hostIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Reads a .npy file. @throws UserError when it is missing, damaged or holds something that is no plain array. */
export async function readNpyFile(file: string): Promise<ArrayData> {
  return parseNpy(await readUserFile(file), file);
}

/** Reads NPY of format 1 to 3 (numpy.lib.format). @param where the file's name, for messages */
export function parseNpy(bytes: Uint8Array, where: string): ArrayData {
  if (!magic.every((byte, index) => bytes[index] === byte) || bytes.length < 12) {
    throw new UserError({
      what: "is no NPY file",
      where,
      expected: "a file as numpy.save writes it",
      mend: "save the array again with numpy.save",
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerStart = (bytes[6] as number) >= 2 ? 12 : 10;
  const dataStart = headerStart + (headerStart === 12 ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder("latin1").decode(bytes.subarray(headerStart, dataStart));
  const descr = /'descr'\s*:\s*'([^']+)'/.exec(header)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const dimensions = /'shape'\s*:\s*\(([^)]*)\)/.exec(header)?.[1];
  if (bytes.length < dataStart || fortran === undefined || dimensions === undefined) {
    throw new UserError({
      what: "the NPY header is damaged or cut short",
      where,
      mend: "write the file again",
    });
  }
  const type = /^([<>|=])([biuf])([1248])$/.exec(descr ?? "");
  if (!type) {
    throw new UserError({
      what: `holds ${descr ? `values of type ${descr}` : "a structured array"}`,
      where,
      expected: "numbers (bool, int, uint or float of up to 64 bits)",
      mend: "convert the array in Python, for example with .astype('float32')",
    });
  }
  const shape = dimensions
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(Number);
  const count = shape.reduce((product, size) => product * size, 1);
  const itemBytes = Number(type[3]);
  if (bytes.length - dataStart !== count * itemBytes) {
    throw new UserError({
      what:
        bytes.length - dataStart < count * itemBytes
          ? "the file is cut short"
          : "the file is longer than its header says",
      where,
      expected: `${count * itemBytes} bytes of data for shape (${shape.join(", ")}); it has ${bytes.length - dataStart}`,
      mend: "write the file again",
    });
  }
  if (fortran === "True" && shape.length > 1) {
    throw new UserError({
      what: "the array is in Fortran order",
      where,
      expected: "C order",
      mend: "save numpy.ascontiguousarray(x) instead",
    });
  }
  const kind = `${type[2]}${itemBytes}`;
  return {
    shape,
    values: readValues(
      new DataView(view.buffer, view.byteOffset + dataStart),
      count,
      kind,
      type[1] !== ">",
      where,
    ),
  };
}

function readValues(
  view: DataView,
  count: number,
  kind: string,
  little: boolean,
  where: string,
): ArrayData["values"] {
  const int32 = (get: (at: number) => number, itemBytes: number): ArrayData["values"] => ({
    dtype: "int32",
    data: Int32Array.from({ length: count }, (_, index) => get(index * itemBytes)),
  });
  const float32 = (get: (at: number) => number, itemBytes: number): ArrayData["values"] => ({
    dtype: "float32",
    data: Float32Array.from({ length: count }, (_, index) => get(index * itemBytes)),
  });
  if (little && hostIsLittleEndian && (kind === "f4" || kind === "i4")) {
    const aligned = view.buffer.slice(view.byteOffset, view.byteOffset + 4 * count);
    return kind === "f4"
      ? { dtype: "float32", data: new Float32Array(aligned) }
      : { dtype: "int32", data: new Int32Array(aligned) };
  }
  switch (kind) {
    case "u1":
    case "b1":
      return { dtype: "uint8", data: new Uint8Array(view.buffer, view.byteOffset, count) };
    case "i1":
      return int32((at) => view.getInt8(at), 1);
    case "i2":
      return int32((at) => view.getInt16(at, little), 2);
    case "u2":
      return int32((at) => view.getUint16(at, little), 2);
    case "i4":
      return int32((at) => view.getInt32(at, little), 4);
    case "u4":
    case "i8":
    case "u8": {
      const itemBytes = kind === "u4" ? 4 : 8;
      return int32((at) => {
        const value =
          kind === "u4"
            ? view.getUint32(at, little)
            : Number(kind === "i8" ? view.getBigInt64(at, little) : view.getBigUint64(at, little));
        if (value !== (value | 0)) {
          throw new UserError({
            what: `the whole number ${value} (element ${at / itemBytes}) does not fit 32 bits`,
            where,
            mend: "save the array as float32",
          });
        }
        return value;
      }, itemBytes);
    }
    case "f2":
      return float32((at) => halfToNumber(view.getUint16(at, little)), 2);
    case "f4":
      return float32((at) => view.getFloat32(at, little), 4);
    case "f8":
      return float32((at) => view.getFloat64(at, little), 8);
    default:
      throw new UserError({
        what: `holds values of type ${kind}`,
        where,
        expected: "bool, int, uint or float",
      });
  }
}

/** The bytes of a .npy file (format 1.0, little-endian, C order) that numpy.load reads. */
export function encodeNpy(
  shape: readonly number[],
  data: Float32Array | Int32Array | Uint8Array,
): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== data.length)
    throw new RangeError(`shape (${shape.join(", ")}) does not hold ${data.length} numbers`);
  const descr = data instanceof Float32Array ? "<f4" : data instanceof Int32Array ? "<i4" : "|u1";
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  // The data starts at a multiple of 64 bytes, so that readers may map it.
  const padded = `${dictionary.padEnd(Math.ceil((dictionary.length + 11) / 64) * 64 - 11)}\n`;
  const bytes = new Uint8Array(10 + padded.length + data.byteLength);
  bytes.set([...magic, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, padded.length, true);
  bytes.set(new TextEncoder().encode(padded), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + padded.length);
  return bytes;
}
