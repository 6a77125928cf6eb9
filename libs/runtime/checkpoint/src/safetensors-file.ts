import { type FileHandle, open } from "node:fs/promises";
import {
  headerLength,
  parseHeader,
  SafetensorsError,
  type SafetensorsHeader,
  type StoredTensor,
} from "./safetensors-header.ts";

/** Bytes read at a time: large enough for disk speed, small enough that hashing never holds the event loop for long. */
export const chunkBytes = 1 << 20;

/** An open safetensors file: the header is in memory, tensors stay on disk. Close it. */
export interface SafetensorsFile {
  readonly path: string;
  readonly header: SafetensorsHeader;
  /** Calls `visit` with the tensor's bytes in order, at most `chunkBytes` at a time; the buffer is reused. */
  visit(tensor: StoredTensor, visit: (chunk: Uint8Array) => void): Promise<void>;
  /** One tensor as numbers; float32 only. @throws SafetensorsError for other dtypes. */
  readFloat32(tensor: StoredTensor): Promise<Float32Array>;
  close(): Promise<void>;
}

/** @throws SafetensorsError when it is none; the system's error when it cannot be read. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const handle = await open(path, "r");
  try {
    const header = await readHeader(handle);
    return {
      path,
      header,
      visit: (tensor, visit) => visitRange(handle, tensor.position, tensor.bytes, visit),
      async readFloat32(tensor) {
        if (tensor.dtype !== "F32")
          throw new SafetensorsError(
            `tensor "${tensor.name}" is ${tensor.dtype}, float32 (F32) was expected`,
          );
        const bytes = new Uint8Array(tensor.bytes);
        await readExactly(handle, bytes, tensor.position);
        return new Float32Array(bytes.buffer);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export async function readHeader(handle: FileHandle): Promise<SafetensorsHeader> {
  const fileBytes = (await handle.stat()).size;
  const first = new Uint8Array(Math.min(8, fileBytes));
  await readExactly(handle, first, 0);
  const bytes = new Uint8Array(headerLength(first, fileBytes));
  await readExactly(handle, bytes, 0);
  return parseHeader(bytes, fileBytes);
}

/** Reads a range in order through one bounded buffer. */
export async function visitRange(
  handle: FileHandle,
  position: number,
  bytes: number,
  visit: (chunk: Uint8Array) => void,
): Promise<void> {
  const buffer = new Uint8Array(Math.min(chunkBytes, bytes));
  for (let done = 0; done < bytes;) {
    const chunk = buffer.subarray(0, Math.min(buffer.byteLength, bytes - done));
    await readExactly(handle, chunk, position + done);
    visit(chunk);
    done += chunk.byteLength;
  }
}

export async function readExactly(handle: FileHandle, target: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < target.byteLength;) {
    const { bytesRead } = await handle.read(target, done, target.byteLength - done, position + done);
    if (bytesRead === 0) throw new ShortFile(position + done);
    done += bytesRead;
  }
}

/** A file ended before the range that was to be read. */
export class ShortFile extends Error {
  override readonly name = "ShortFile";
  constructor(position: number) {
    super(`the file ends at byte ${position}, more was expected`);
  }
}
