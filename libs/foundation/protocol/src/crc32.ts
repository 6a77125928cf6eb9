/**
 * CRC-32 as zlib, PNG and Ethernet have it (polynomial 0xedb88320, reflected, inverted before and after), going on from
 * the checksum of the bytes before.
 */
export type Crc32 = (bytes: Uint8Array, before?: number) => number;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** One byte at a time (a quarter of a gigabyte a second): for where nothing faster is at hand, such as zlib's. */
export const crc32: Crc32 = (bytes, before = 0) => {
  let rest = ~before;
  for (const byte of bytes) rest = (rest >>> 8) ^ (table[(rest ^ byte) & 0xff] ?? 0);
  return ~rest >>> 0;
};
