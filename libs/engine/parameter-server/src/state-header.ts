import { type Arithmetic, arithmeticPageBytes } from "@latentweave/arithmetic";
import { crc32 } from "@latentweave/protocol";

/**
 * What a shard's memory says of itself, for a successor that finds it after a kill at any instant. Little-endian:
 *
 *      0  8 bytes  "LWSHARD1"
 *      8  u32      format, 2
 *     12  u32      bytes of each of the two text areas
 *     16  i64      newest whole version; -1: none
 *     24  u64      timeline
 *     32  u64      bytes of the numbers behind the text areas
 *     40  u32      the text area that counts, 0 or 1
 *     48, 64       one entry per text area: i64 decided step (-1: none), u32 bytes, u32 CRC-32 of the text
 *     80  i64      the version that is being written, or the newest one; the largest while none is whole
 *   page 1         text area 0, text area 1; then the numbers
 *
 * Invariants:
 * 1. What is announced is there first: a version's numbers before the version, a text and its entry before `40`.
 * 2. The text that counts is never written to; a new one goes to the other area.
 * 3. Announcing is one aligned store (`Atomics`, so that no compiler moves it), and a kill stops between two stores.
 */
export interface StateHeader {
  /** Whether a predecessor left a header of this shape here, with a whole version. */
  readonly found: boolean;
  /** -1: no version is whole. */
  version: number;
  /** Tells whoever reads in place that the version before the newest is no more, for this one comes in its stead. */
  writes(version: number): void;
  timeline: number;
  /** Room for a decision's text. */
  readonly textBytes: number;
  writeDecision(step: number, text: string): void;
  readDecision(): StoredDecision | undefined;
}

export interface StoredDecision {
  readonly step: number;
  /** What `writeDecision` was given. */
  readonly text: string;
}

const magic = 0x3144_5241_4853_574cn; // "LWSHARD1", read as a number
const format = 2;
const [formatAt, textBytesAt, versionAt, timelineAt, numbersAt, currentAt] = [8, 12, 16, 24, 32, 40];
const entryAt = [48, 64] as const;
/** From the header's beginning: see the table above. */
export const writingAt = 80;
/** Above every version. */
const nothingWhole = Number.MAX_SAFE_INTEGER;

/** Room for the header and two texts, in whole pages; `textBytes` is rounded up to whole pages too. */
export function headerPages(textBytes: number): number {
  return 1 + 2 * Math.ceil(textBytes / arithmeticPageBytes);
}

/** Reads what lies at `pointer`, or makes it a header of nothing: no version, timeline 0, no decision. */
export function openStateHeader(
  arithmetic: Arithmetic,
  pointer: number,
  textBytes: number,
  numbersBytes: number,
): StateHeader {
  const areaBytes = ((headerPages(textBytes) - 1) / 2) * arithmeticPageBytes;
  const area = (slot: number): number => pointer + arithmeticPageBytes + slot * areaBytes;
  // Views are taken anew each time: any allocation detaches them.
  const u32 = (at: number): Uint32Array => new Uint32Array(arithmetic.u8(pointer, 1).buffer, pointer + at, 1);
  const i64 = (at: number): BigInt64Array =>
    new BigInt64Array(arithmetic.u8(pointer, 1).buffer, pointer + at, 1);
  const get32 = (at: number): number => Atomics.load(u32(at), 0);
  const set32 = (at: number, value: number): void => void Atomics.store(u32(at), 0, value);
  const get64 = (at: number): number => Number(Atomics.load(i64(at), 0));
  const set64 = (at: number, value: number | bigint): void => void Atomics.store(i64(at), 0, BigInt(value));

  const isOurs =
    Atomics.load(i64(0), 0) === magic &&
    get32(formatAt) === format &&
    get32(textBytesAt) === areaBytes &&
    get64(numbersAt) === numbersBytes;
  const found = isOurs && get64(versionAt) >= 0;
  if (!found) {
    set64(0, 0n);
    set64(versionAt, -1);
    set64(writingAt, nothingWhole);
    set64(timelineAt, 0);
    set32(formatAt, format);
    set32(textBytesAt, areaBytes);
    set64(numbersAt, numbersBytes);
    set32(currentAt, 0);
    for (const at of entryAt) set64(at, -1);
    set64(0, magic);
  }

  return {
    found,
    textBytes: areaBytes,
    get version() {
      return get64(versionAt);
    },
    set version(next) {
      if (next < 0) set64(writingAt, nothingWhole);
      set64(versionAt, next);
      if (next >= 0) set64(writingAt, next);
    },
    writes(version) {
      set64(writingAt, version);
    },
    get timeline() {
      return get64(timelineAt);
    },
    set timeline(next) {
      set64(timelineAt, next);
    },
    writeDecision(step, text) {
      const bytes = new TextEncoder().encode(text);
      if (bytes.byteLength > areaBytes)
        throw new RangeError(
          `a decision of ${bytes.byteLength} bytes does not fit the ${areaBytes} kept for one`,
        );
      const slot = get32(currentAt) === 0 ? 1 : 0;
      const at = entryAt[slot];
      set64(at, -1);
      arithmetic.u8(area(slot), bytes.byteLength).set(bytes);
      set32(at + 8, bytes.byteLength);
      set32(at + 12, crc32(bytes));
      set64(at, step);
      set32(currentAt, slot);
    },
    readDecision() {
      const slot = get32(currentAt) === 0 ? 0 : 1;
      const at = entryAt[slot];
      const step = get64(at);
      const length = get32(at + 8);
      if (step < 0 || length > areaBytes) return undefined;
      const bytes = arithmetic.u8(area(slot), length);
      return crc32(bytes) === get32(at + 12) ? { step, text: new TextDecoder().decode(bytes) } : undefined;
    },
  };
}
