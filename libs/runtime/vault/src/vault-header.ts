import { crc32 } from "node:zlib";

/**
 * The first page of a vault's file says whose bytes follow. Little-endian:
 *
 *      0  8 bytes  "LWVAULT1"
 *      8  u32      format, 1
 *     12  u32      bytes of the identity
 *     16  u64      bytes of the range that follows the page
 *     24  u32      CRC-32 of bytes 0 to 23 and of the identity
 *     28  u32      process that holds or held the file; for people, in no check
 *     32           the identity, UTF-8
 */
export const headerBytes = 65_536;

const magic = 0x3154_4c55_4156_574cn; // "LWVAULT1", read as a number
const format = 1;
const identityAt = 32;

/** What a vault's file holds, or that it holds nothing to go by. */
export type FoundHeader =
  | { readonly kind: "whole"; readonly identity: string; readonly rangeBytes: number }
  | { readonly kind: "empty" }
  | { readonly kind: "damaged" };

/** @throws RangeError when the identity is longer than the page has room for */
export function encodeHeader(identity: string, rangeBytes: number, pid: number): Uint8Array {
  const text = new TextEncoder().encode(identity);
  if (text.byteLength > headerBytes - identityAt)
    throw new RangeError(`an identity of ${text.byteLength} bytes does not fit a vault's header`);
  const bytes = new Uint8Array(identityAt + text.byteLength);
  bytes.set(text, identityAt);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, magic, true);
  view.setUint32(8, format, true);
  view.setUint32(12, text.byteLength, true);
  view.setBigUint64(16, BigInt(rangeBytes), true);
  view.setUint32(24, checksum(bytes, text), true);
  view.setUint32(28, pid, true);
  return bytes;
}

/** `bytes`: the file's beginning, as much of `headerBytes` as there is. */
export function decodeHeader(bytes: Uint8Array): FoundHeader {
  if (bytes.every((byte) => byte === 0)) return { kind: "empty" };
  if (bytes.byteLength < identityAt) return { kind: "damaged" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(12, true);
  if (view.getBigUint64(0, true) !== magic || view.getUint32(8, true) !== format) return { kind: "damaged" };
  if (identityAt + length > bytes.byteLength) return { kind: "damaged" };
  const text = bytes.subarray(identityAt, identityAt + length);
  if (view.getUint32(24, true) !== checksum(bytes, text)) return { kind: "damaged" };
  return {
    kind: "whole",
    identity: new TextDecoder().decode(text),
    rangeBytes: Number(view.getBigUint64(16, true)),
  };
}

function checksum(bytes: Uint8Array, identity: Uint8Array): number {
  return crc32(identity, crc32(bytes.subarray(0, 24)));
}
