import { crc32 } from "node:zlib";
import type { Draw } from "../draw/keyed-random.ts";
import { bytesOf, pick, whole } from "../draw/choose.ts";

const checksumAt = 16;
const preambleBytes = 20;
/** Small counts, and the edges of 8, 16, 24, 31 and 32 bits. */
const lengths = [0, 1, 2, 63, 64, 65, 255, 65_535, 65_536, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** The bytes with something about them changed, always: bits, a length field, the size. */
export function mutatedBytes(bytes: Buffer, draw: Draw): Buffer {
  const changed = changedBytes(bytes, draw);
  // A field may be set to what it was.
  return changed.equals(bytes) ? changed.subarray(1) : changed;
}

function changedBytes(bytes: Buffer, draw: Draw): Buffer {
  const copy = Buffer.from(bytes);
  const at = whole(draw, "at", bytes.length);
  switch (pick(draw, "change", ["bit", "bits", "byte", "length", "cut", "more", "removed", "repeated"])) {
    case "bit":
      copy[at] = (copy[at] ?? 0) ^ (1 << whole(draw, "which", 8));
      return copy;
    case "bits":
      for (let i = 0; i < 8; i++) {
        const place = whole(draw, `place ${i}`, copy.length);
        copy[place] = (copy[place] ?? 0) ^ (1 << whole(draw, `which ${i}`, 8));
      }
      return copy;
    case "byte":
      copy[at] = pick(draw, "byte", [0x00, 0x7f, 0x80, 0xc0, 0xc1, 0xc7, 0xd4, 0xdf, 0xff]);
      return copy;
    case "length": {
      // Header, number of slices, or the first slice: whatever lies there.
      const place = pick(draw, "field", [4, 8, preambleBytes]);
      if (place + 4 <= copy.length) copy.writeUInt32LE(pick(draw, "length", lengths), place);
      return copy;
    }
    case "cut":
      return copy.subarray(0, at);
    case "more":
      return Buffer.concat([copy, bytesOf(draw, "more", 1 + whole(draw, "how many", 100))]);
    case "removed":
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + whole(draw, "how many", 16))]);
    default:
      return Buffer.concat([copy, copy]);
  }
}

/** With the checksum that the bytes ought to have, so that a reader looks further. */
export function withChecksum(bytes: Buffer): Buffer {
  if (bytes.length < preambleBytes) return bytes;
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(0, checksumAt);
  copy.writeUInt32LE(crc32(copy), checksumAt);
  return copy;
}
