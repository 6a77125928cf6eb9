import { Packr } from "msgpackr";
import { ByteParts } from "./byte-parts.ts";
import { type Crc32, crc32 } from "./crc32.ts";
import { combineCrc32 } from "./crc32-combine.ts";
import { FrameError } from "./frame-error.ts";
import { checkMsgpack } from "./msgpack-shape.ts";
import { checksumAfter, sharedBody } from "./never-changing.ts";
import { aligned, sliceStarts, spaced } from "./slice-layout.ts";

/*
 * Owns: how one message and its tensors lie in bytes (docs/protocol.md, "Frames"). Does not own: what a message may
 * say (messages.ts), how bytes travel (the transport).
 *
 * Invariants:
 * 1. Slices are copied by `encodeFrame` only into memory that it is given for that (those that go to many together: once),
 *    and by `decodeFrame` only where memory alignment demands it.
 * 2. `decodeFrame` gives a frame or throws FrameError; it allocates no more than the bytes it was given.
 * 3. A message at its place has exactly one layout: padding is zero, nothing follows the last slice.
 * 4. Nothing of a frame is believed, and its header is not looked at, before its checksum and its place are right.
 */

/** "LWF": distinguishes a frame from anything else that may arrive on the port. */
const magic = [0x4c, 0x57, 0x46] as const;
export const frameVersion = 2;
/** Magic and version, header length, slice count, sequence number, checksum. */
const preambleBytes = 20;
const sequenceAt = 12;
const checksumAt = 16;
/** Sequence numbers are u32 and begin again at 0. */
const sequences = 2 ** 32;
/** A header describes tensors, it does not carry them; a larger one is a mistake or an attack. */
export const maxHeaderBytes = 16 * 1024 * 1024;
/** A frame of one slice per block of the largest model that fits the largest frame has fewer. */
export const maxSlices = 65_535;
/** Lengths are u32 and the WebSocket library counts in int32. */
export const maxFrameBytesLimit = 2 ** 31 - 1;
/** Of a length: the slice is not in the frame. */
const outsideBit = 2 ** 31;

/** One message and its tensors, out of a frame. */
export interface Frame {
  /** Which frame of its direction of the connection it is, from 0 on. */
  readonly sequence: number;
  /** Plain data, not validated. */
  readonly message: unknown;
  /** Raw little-endian tensors; each starts at a multiple of 8 bytes of its ArrayBuffer. */
  readonly slices: Uint8Array[];
  /** Lengths of slices that lie in memory which both processes share; where there are some, `slices` is empty. */
  readonly outside: readonly number[];
}

// Records and shared structures would make a frame depend on the ones before it. An absent field and one that is
// undefined mean the same in a message; MessagePack has no word for the second.
const codecOptions = {
  useRecords: false,
  variableMapSize: true,
  mapsAsObjects: true,
  skipValues: [undefined],
  // Frames are read where they were received, and that memory is used again.
  copyBuffers: true,
};
const codec = new Packr(codecOptions);

export interface FrameWriting {
  /** Frames that went before in this direction of this connection; as the frame holds it, modulo 2^32. */
  readonly sequence?: number;
  /** A faster CRC-32 than the one in plain JavaScript. */
  readonly crc32?: Crc32;
  /**
   * The slices were handed over in shared memory, from this place of its use on: the frame tells their lengths only, and
   * its checksum goes over the place instead of them, so that a reader who counts otherwise finds it wrong.
   */
  readonly outsideAt?: number | undefined;
  /**
   * Gives memory for so many bytes or more: the frame is one piece of it, and the slices may change as soon as it is
   * made. Absent: its pieces are the slices themselves.
   */
  readonly memory?: ((bytes: number) => Uint8Array) | undefined;
}

export interface FrameReading {
  /** The largest frame that is accepted. */
  readonly maxFrameBytes?: number;
  /** Frames that came before in this direction of this connection; absent: any place is right. */
  readonly sequence?: number;
  readonly crc32?: Crc32;
  /** CRC-32 of all bytes of the frame as they came, where it was taken on the way. */
  readonly sum?: number | undefined;
  /** Where the next slices in shared memory begin; absent: there is none. */
  readonly outsideAt?: number | undefined;
}

/**
 * A frame as the pieces to be sent one after another: the header, then each slice itself with zero bytes before it where
 * alignment needs some. The slices must not change until the pieces have been sent (but see `FrameWriting.memory`).
 *
 * @param message plain data: numbers (minus zero becomes zero, so put numbers that matter to the bit in a slice),
 *   text, booleans, null, Uint8Array, arrays and objects of these; fields that are undefined are left out.
 * @throws FrameError where the message is not plain data, or something exceeds a limit of the format.
 */
export function encodeFrame(
  message: object,
  slices: readonly Uint8Array[] = [],
  writing: FrameWriting = {},
): Uint8Array[] {
  if (slices.length > maxSlices)
    throw new FrameError("tooLarge", `${slices.length} slices, at most ${maxSlices}`);
  const header = pack(message);
  if (header.length > maxHeaderBytes) {
    throw new FrameError("tooLarge", `header of ${header.length} bytes, at most ${maxHeaderBytes}`);
  }
  const headerAt = preambleBytes + 4 * slices.length;
  const headerEnd = headerAt + header.length;
  const { outsideAt } = writing;
  const isOutside = outsideAt !== undefined && slices.length > 0;
  const inside = isOutside ? [] : slices;
  const lengths = slices.map(({ length }) => length);
  const { starts, end } = isOutside ? { starts: [], end: headerEnd } : sliceStarts(headerEnd, lengths);
  if (end > maxFrameBytesLimit)
    throw new FrameError("tooLarge", `${end} bytes, at most ${maxFrameBytesLimit}`);
  const body = sharedBody(inside);
  const first = new Uint8Array(inside.length === 0 ? headerEnd : aligned(headerEnd));
  first.set(magic, 0);
  first[3] = frameVersion;
  const view = new DataView(first.buffer);
  view.setUint32(4, header.length, true);
  view.setUint32(8, slices.length, true);
  view.setUint32(sequenceAt, (writing.sequence ?? 0) % sequences, true);
  const bit = isOutside ? outsideBit : 0;
  lengths.forEach((length, i) => view.setUint32(preambleBytes + 4 * i, length + bit, true));
  first.set(header, headerAt);

  const pieces: Uint8Array[] = [first];
  if (body) pieces.push(body);
  else pieces.push(...spaced(inside, starts, first.length));
  const checksum = writing.crc32 ?? crc32;
  const whole = writing.memory?.(end).subarray(0, end);
  // The field itself is still zero, as the reader takes it to be.
  const sum = whole
    ? gather(pieces, whole, checksum)
    : pieces.reduce((before, piece) => checksumAfter(before, piece, checksum), 0);
  const field = new DataView((whole ?? first).buffer, (whole ?? first).byteOffset);
  field.setUint32(checksumAt, isOutside ? withPlace(sum, outsideAt, checksum) : sum, true);
  return whole ? [whole] : pieces;
}

/** What was just copied is in the processor's cache when its checksum is taken. */
const gatherBytes = 64 * 1024;

/** @returns the checksum of all that was written */
function gather(pieces: readonly Uint8Array[], into: Uint8Array, checksum: Crc32): number {
  let sum = 0;
  let at = 0;
  for (const piece of pieces)
    for (let from = 0; from < piece.length; from += gatherBytes) {
      const part = piece.subarray(from, from + gatherBytes);
      into.set(part, at);
      sum = checksum(into.subarray(at, at + part.length), sum);
      at += part.length;
    }
  return sum;
}

/** Bytes of a frame in pieces. */
export function frameBytes(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

/**
 * Reads a frame that came whole or in consecutive pieces (cut anywhere).
 *
 * @returns the message, not validated, and views of `bytes` (copies only where a slice is split between pieces or
 *   lies at an address that is no multiple of 8).
 * @throws FrameError
 */
export function decodeFrame(bytes: Uint8Array | readonly Uint8Array[], reading: FrameReading = {}): Frame {
  const pieces = bytes instanceof Uint8Array ? [bytes] : bytes;
  const { maxFrameBytes = maxFrameBytesLimit } = reading;
  const parts = new ByteParts(pieces);
  const total = parts.totalBytes;
  if (total > maxFrameBytes) throw new FrameError("tooLarge", `${total} bytes, at most ${maxFrameBytes}`);
  if (total < preambleBytes)
    throw new FrameError("truncated", `${total} bytes, a frame has at least ${preambleBytes}`);

  const preamble = parts.read(0, preambleBytes);
  checkMagic(preamble);
  const isOutside = checkChecksum(preamble, pieces, reading);
  const fields = new DataView(preamble.buffer, preamble.byteOffset, preambleBytes);
  const headerBytes = fields.getUint32(4, true);
  const sliceCount = fields.getUint32(8, true);
  const sequence = fields.getUint32(sequenceAt, true);
  const due = reading.sequence === undefined ? sequence : reading.sequence % sequences;
  if (sequence !== due) throw new FrameError("outOfOrder", `frame ${sequence} where ${due} was due`);
  if (headerBytes > maxHeaderBytes) throw new FrameError("tooLarge", `header of ${headerBytes} bytes`);
  if (sliceCount > maxSlices) throw new FrameError("tooLarge", `${sliceCount} slices`);
  const headerAt = preambleBytes + 4 * sliceCount;
  const headerEnd = headerAt + headerBytes;
  if (headerEnd > total) throw new FrameError("truncated", `header ends at byte ${headerEnd} of ${total}`);

  const told = readLengths(parts.read(preambleBytes, 4 * sliceCount), sliceCount);
  const outside = told.filter((length) => length >= outsideBit).map((length) => length - outsideBit);
  if (outside.length !== (isOutside ? told.length : 0))
    throw new FrameError("malformed", `${outside.length} of ${told.length} slices are outside of the frame`);
  const lengths = outside.length > 0 ? [] : told;
  const bounds = sliceStarts(headerEnd, lengths);
  if (bounds.end > total) throw new FrameError("truncated", `slices end at byte ${bounds.end} of ${total}`);
  if (bounds.end < total)
    throw new FrameError("trailingBytes", `${total - bounds.end} bytes after the frame`);

  const message = unpack(parts.read(headerAt, headerBytes));
  let offset = headerEnd;
  const slices = lengths.map((length, i) => {
    const start = bounds.starts[i] ?? 0;
    if (parts.read(offset, start - offset).some((byte) => byte !== 0)) {
      throw new FrameError("malformed", `padding before slice ${i} is not zero`);
    }
    offset = start + length;
    return parts.read(start, length);
  });
  return { sequence, message, slices, outside };
}

/**
 * How long a frame says that it is going to be, from its first bytes: to have memory ready. Nothing of it is checked.
 *
 * @returns undefined where these bytes do not say so
 */
export function announcedBytes(start: Uint8Array): number | undefined {
  if (start.length < preambleBytes || magic.some((byte, i) => start[i] !== byte)) return undefined;
  const fields = new DataView(start.buffer, start.byteOffset, start.length);
  const sliceCount = fields.getUint32(8, true);
  const headerAt = preambleBytes + 4 * sliceCount;
  if (sliceCount > maxSlices || start.length < headerAt) return undefined;
  const lengths = readLengths(start.subarray(preambleBytes, headerAt), sliceCount);
  const inside = lengths.filter((length) => length < outsideBit);
  return sliceStarts(headerAt + fields.getUint32(4, true), inside).end;
}

function checkMagic(preamble: Uint8Array): void {
  if (magic.some((byte, i) => preamble[i] !== byte))
    throw new FrameError("badMagic", "does not start with LWF");
  if (preamble[3] !== frameVersion) {
    throw new FrameError("wrongVersion", `frame version ${preamble[3]}, this program reads ${frameVersion}`);
  }
}

/** @returns whether the frame's slices are where `outsideAt` says, and not in it */
function checkChecksum(
  preamble: Uint8Array,
  pieces: readonly Uint8Array[],
  { crc32: checksum = crc32, outsideAt, sum: whole }: FrameReading,
): boolean {
  // While it was taken, the field itself was zero.
  const zeroed = preamble.slice();
  zeroed.fill(0, checksumAt, checksumAt + 4);
  let sum = checksum(zeroed);
  if (whole !== undefined) {
    // What the field makes of the sum: both sums of the beginning, and as many bytes behind it in either case.
    sum = combineCrc32(sum ^ checksum(preamble), whole, frameBytes(pieces) - preambleBytes);
  } else {
    let behind = preambleBytes;
    for (const piece of pieces) {
      if (piece.length > behind) sum = checksum(behind === 0 ? piece : piece.subarray(behind), sum);
      behind = Math.max(0, behind - piece.length);
    }
  }
  const said = new DataView(preamble.buffer, preamble.byteOffset, preambleBytes).getUint32(checksumAt, true);
  if (sum === said) return false;
  if (outsideAt !== undefined && withPlace(sum, outsideAt, checksum) === said) return true;
  throw new FrameError("wrongChecksum", `CRC-32 ${hex(sum)}, the frame says ${hex(said)}`);
}

function withPlace(sum: number, place: number, checksum: Crc32): number {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, BigInt(place), true);
  return checksum(new Uint8Array(bytes.buffer), sum);
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}

function readLengths(bytes: Uint8Array, count: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) => view.getUint32(4 * i, true));
}

function pack(message: object): Uint8Array {
  let header: Uint8Array;
  try {
    header = codec.pack(message);
  } catch (error) {
    throw new FrameError("malformed", `message: ${error instanceof Error ? error.message : String(error)}`);
  }
  // What the other side would refuse is refused here, where the mistake is.
  checkMsgpack(header);
  return header;
}

function unpack(header: Uint8Array): unknown {
  checkMsgpack(header);
  try {
    return codec.unpack(header);
  } catch (error) {
    throw new FrameError("malformed", `header: ${error instanceof Error ? error.message : String(error)}`);
  }
}
