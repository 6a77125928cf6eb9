import { FrameError } from "./frame-error.ts";

/** Deeper nesting than any message has; bounds the recursion that a hostile header can cause. */
const maxDepth = 32;

/** Bytes of fixed-size values by their first byte, counted from 0xca (float32) to 0xd3 (int64). */
const numberBytes = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8] as const;

/**
 * Walks a MessagePack value without building it, so that the decoder proper only sees bytes that are whole: every
 * announced length fits the bytes that follow (a five-byte header cannot announce four billion elements), maps have
 * text keys, nesting is bounded and extension types, through which a decoder can be made to build other things than
 * data, do not occur.
 *
 * @throws FrameError "malformed".
 */
export function checkMsgpack(bytes: Uint8Array): void {
  const end = walk(bytes, 0, 0);
  if (end !== bytes.length) throw malformed(`${bytes.length - end} bytes after the header's value`);
}

function malformed(detail: string): FrameError {
  return new FrameError("malformed", detail);
}

/** @returns the offset after the value that starts at `at`. */
function walk(bytes: Uint8Array, at: number, depth: number): number {
  if (depth > maxDepth) throw malformed(`header nested deeper than ${maxDepth}`);
  const tag = bytes[at];
  if (tag === undefined) throw malformed("header ends inside a value");
  if (tag <= 0x7f || tag >= 0xe0) return at + 1;
  if (tag <= 0x8f) return walkMap(bytes, at + 1, tag & 0x0f, depth);
  if (tag <= 0x9f) return walkArray(bytes, at + 1, tag & 0x0f, depth);
  if (tag <= 0xbf) return skip(bytes, at + 1, tag & 0x1f);
  if (tag === 0xc0 || tag === 0xc2 || tag === 0xc3) return at + 1;
  if (tag >= 0xc4 && tag <= 0xc6) return walkSized(bytes, at + 1, 1 << (tag - 0xc4));
  if (tag >= 0xca && tag <= 0xd3) return skip(bytes, at + 1, numberBytes[tag - 0xca] ?? 0);
  if (tag >= 0xd9 && tag <= 0xdb) return walkSized(bytes, at + 1, 1 << (tag - 0xd9));
  if (tag === 0xdc || tag === 0xdd) {
    const sizeBytes = tag === 0xdc ? 2 : 4;
    return walkArray(bytes, at + 1 + sizeBytes, readSize(bytes, at + 1, sizeBytes), depth);
  }
  if (tag === 0xde || tag === 0xdf) {
    const sizeBytes = tag === 0xde ? 2 : 4;
    return walkMap(bytes, at + 1 + sizeBytes, readSize(bytes, at + 1, sizeBytes), depth);
  }
  throw malformed(`type byte 0x${tag.toString(16)} is not allowed in a header`);
}

function walkArray(bytes: Uint8Array, at: number, count: number, depth: number): number {
  if (count > bytes.length - at) throw malformed(`array of ${count} elements in ${bytes.length - at} bytes`);
  for (let i = 0; i < count; i++) at = walk(bytes, at, depth + 1);
  return at;
}

function walkMap(bytes: Uint8Array, at: number, count: number, depth: number): number {
  if (2 * count > bytes.length - at) throw malformed(`map of ${count} entries in ${bytes.length - at} bytes`);
  for (let i = 0; i < count; i++) {
    const key = bytes[at] ?? 0;
    const isText = (key >= 0xa0 && key <= 0xbf) || (key >= 0xd9 && key <= 0xdb);
    if (!isText) throw malformed("a map key that is not text");
    at = walk(bytes, walk(bytes, at, depth + 1), depth + 1);
  }
  return at;
}

/** Text or bytes whose length is itself a big-endian number of `sizeBytes`. */
function walkSized(bytes: Uint8Array, at: number, sizeBytes: number): number {
  return skip(bytes, at + sizeBytes, readSize(bytes, at, sizeBytes));
}

function readSize(bytes: Uint8Array, at: number, sizeBytes: number): number {
  if (at + sizeBytes > bytes.length) throw malformed("header ends inside a length");
  let size = 0;
  for (let i = 0; i < sizeBytes; i++) size = size * 256 + (bytes[at + i] ?? 0);
  return size;
}

function skip(bytes: Uint8Array, at: number, length: number): number {
  if (at + length > bytes.length) throw malformed(`a value of ${length} bytes does not fit the header`);
  return at + length;
}
