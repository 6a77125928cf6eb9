import { z } from "zod";

/**
 * The safetensors container: 8 bytes of little-endian header length, a JSON header, then the tensors' bytes without
 * gaps. Format as published at github.com/huggingface/safetensors; the rules checked here are that reader's own.
 */

/** Same limit as the reference reader: a longer header is an attack or garbage, not a model. */
const maxHeaderBytes = 100_000_000;
const lengthBytes = 8;

const bitsByDtype: Readonly<Record<string, number>> = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E4M3: 8,
  F8_E5M2: 8,
  U16: 16,
  I16: 16,
  F16: 16,
  BF16: 16,
  U32: 32,
  I32: 32,
  F32: 32,
  U64: 64,
  I64: 64,
  F64: 64,
};

export interface StoredTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte in the file, header included. */
  readonly position: number;
  readonly bytes: number;
}

export interface SafetensorsHeader {
  /** Length of the header with its length field: where the first tensor's bytes begin. */
  readonly headerBytes: number;
  readonly fileBytes: number;
  /** In the order of their bytes in the file. */
  readonly tensors: readonly StoredTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** A file is not safetensors, or was cut or changed; `message` says how. */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
}

/** Byte order of UTF-8, the order in which names are stored and hashed (JavaScript's own order is by UTF-16 unit). */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}

export interface Float32Tensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The header of a file that holds these float32 tensors in byte order of their names. */
export function encodeHeader(
  tensors: readonly Float32Tensor[],
  metadata: Readonly<Record<string, string>>,
): { readonly bytes: Buffer; readonly header: SafetensorsHeader } {
  const sorted = [...tensors].sort((a, b) => compareNames(a.name, b.name));
  // A Map keeps the order even of names that look like numbers; an object would not.
  const entries = new Map<string, unknown>([["__metadata__", metadata]]);
  let offset = 0;
  for (const { name, shape } of sorted) {
    if (entries.has(name)) throw new SafetensorsError(`two tensors are named "${name}"`);
    const end = offset + 4 * shape.reduce((product, size) => product * size, 1);
    entries.set(name, { dtype: "F32", shape, data_offsets: [offset, end] });
    offset = end;
  }
  const fields = [...entries].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = Buffer.from(`{${fields.join(",")}}`, "utf8");
  // Padded with spaces so that the tensors begin at a multiple of 8 bytes, as other writers do.
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const bytes = Buffer.alloc(lengthBytes + padded, " ");
  bytes.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(bytes, lengthBytes);
  return { bytes, header: parseHeader(bytes, bytes.byteLength + offset) };
}

/** How many bytes to read for `parseHeader`. @throws SafetensorsError */
export function headerLength(first: Uint8Array, fileBytes: number): number {
  if (first.byteLength < lengthBytes)
    throw new SafetensorsError(`it is ${fileBytes} bytes long, too short for a header`);
  const length = Buffer.from(first.buffer, first.byteOffset, lengthBytes).readBigUInt64LE(0);
  if (length > BigInt(maxHeaderBytes) || length + 8n > BigInt(fileBytes))
    throw new SafetensorsError(`its header claims ${length} bytes, the file has ${fileBytes}`);
  return lengthBytes + Number(length);
}

const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});
const headerSchema = z.record(z.string(), z.unknown());
const metadataSchema = z.record(z.string(), z.string());

/** @param bytes the whole header with its length field. @throws SafetensorsError saying what does not fit. */
export function parseHeader(bytes: Uint8Array, fileBytes: number): SafetensorsHeader {
  const headerBytes = headerLength(bytes, fileBytes);
  let json: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(lengthBytes, headerBytes));
    json = JSON.parse(text);
  } catch (cause) {
    throw new SafetensorsError("its header is not JSON", { cause });
  }
  const object = headerSchema.safeParse(json);
  if (!object.success) throw new SafetensorsError("its header is not a JSON object");
  let metadata: Readonly<Record<string, string>> = {};
  const tensors: StoredTensor[] = [];
  for (const [name, value] of Object.entries(object.data)) {
    if (name === "__metadata__") {
      const parsed = metadataSchema.safeParse(value);
      if (!parsed.success) throw new SafetensorsError("its __metadata__ is not a table of strings");
      metadata = parsed.data;
    } else tensors.push(parseEntry(name, value, headerBytes));
  }
  tensors.sort((a, b) => a.position - b.position || a.bytes - b.bytes);
  let end = headerBytes;
  for (const tensor of tensors) {
    if (tensor.position !== end)
      throw new SafetensorsError(`tensor "${tensor.name}" does not begin where the one before it ends`);
    end += tensor.bytes;
  }
  if (end !== fileBytes)
    throw new SafetensorsError(`its tensors end at byte ${end}, the file has ${fileBytes}`);
  return { headerBytes, fileBytes, tensors, metadata };
}

function parseEntry(name: string, value: unknown, headerBytes: number): StoredTensor {
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) throw new SafetensorsError(`the header entry of tensor "${name}" is malformed`);
  const {
    dtype,
    shape,
    data_offsets: [begin, end],
  } = parsed.data;
  const bits = bitsByDtype[dtype];
  if (bits === undefined) throw new SafetensorsError(`tensor "${name}" has the unknown dtype "${dtype}"`);
  const bytes = (bits / 8) * shape.reduce((product, size) => product * size, 1);
  if (end - begin !== bytes)
    throw new SafetensorsError(
      `tensor "${name}" of shape [${shape.join(", ")}] needs ${bytes} bytes, its range has ${end - begin}`,
    );
  return { name, dtype, shape, position: headerBytes + begin, bytes };
}
