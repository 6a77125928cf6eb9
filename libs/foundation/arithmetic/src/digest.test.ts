import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadArithmetic } from "./arithmetic.ts";

const arithmetic = loadArithmetic();

/** The buffer of xxHash's own sanity check: bytes drawn from powers of its 32-bit prime. */
function sanityBytes(length: number): Uint8Array {
  let generator = 2_654_435_761n;
  return Uint8Array.from({ length }, () => {
    const byte = Number(generator >> 56n);
    generator = BigInt.asUintN(64, generator * 11_400_714_785_074_694_797n);
    return byte;
  });
}

const mask = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint): bigint => mask((value << by) | (value >> (64n - by)));
const [p1, p2, p3, p4, p5] = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;

/** XXH64, seed 0, straight from its description and sharing nothing with the module. */
function reference(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const round = (lane: bigint, word: bigint): bigint => mask(rotate(mask(lane + word * p2), 31n) * p1);
  let at = 0;
  let hash: bigint = p5;
  if (bytes.length >= 32) {
    const lanes = [mask(p1 + p2), p2, 0n, mask(-p1)];
    for (; at + 32 <= bytes.length; at += 32) {
      lanes.forEach((lane, j) => (lanes[j] = round(lane, view.getBigUint64(at + 8 * j, true))));
    }
    hash = lanes.reduce((sum, lane, j) => mask(sum + rotate(lane, [1n, 7n, 12n, 18n][j] as bigint)), 0n);
    for (const lane of lanes) hash = mask((hash ^ round(0n, lane)) * p1 + p4);
  }
  hash = mask(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash = mask(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * p1 + p4);
  }
  for (; at + 4 <= bytes.length; at += 4) {
    hash = mask(rotate(hash ^ mask(BigInt(view.getUint32(at, true)) * p1), 23n) * p2 + p3);
  }
  for (; at < bytes.length; at++) hash = mask(rotate(hash ^ mask(BigInt(view.getUint8(at)) * p5), 11n) * p1);
  hash = mask((hash ^ (hash >> 33n)) * p2);
  hash = mask((hash ^ (hash >> 29n)) * p3);
  return (hash ^ (hash >> 32n)).toString(16).padStart(16, "0");
}

describe("the digest", () => {
  test.each([
    [0, "ef46db3751d8e999"],
    [1, "e934a84adb052768"],
    [4, "9136a0dca57457ee"],
    [14, "8282dcc4994e35c8"],
    [222, "b641ae8cb691c174"],
  ])("of the first %i bytes of xxHash's sanity buffer is the published one", (length, published) => {
    expect(arithmetic.digest(sanityBytes(length))).toBe(published);
  });

  test.each([
    ["a", "d24ec4f1a98c6e5b"],
    ["abc", "44bc2cf5ad770999"],
    ["message digest", "066ed728fceeb3be"],
  ])("of the text %j is the one that other implementations give", (text, published) => {
    expect(arithmetic.digest(Buffer.from(text))).toBe(published);
  });

  test("is that of an independent implementation, however the bytes are cut and wherever they lie", () => {
    const bytesOf = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(fc.array(fc.tuple(bytesOf, fc.boolean()), { maxLength: 8 }), (pieces) => {
        const whole = Buffer.concat(pieces.map(([bytes]) => bytes));
        const pointer = arithmetic.allocate(whole.length);
        arithmetic.u8(pointer, whole.length).set(whole);
        let at = pointer;
        const mixed = pieces.map(([bytes, inside]) => {
          const here = { pointer: at, bytes: bytes.length };
          at += bytes.length;
          return inside ? here : bytes;
        });
        const expected = reference(Uint8Array.from(whole));
        expect(arithmetic.digest(...mixed)).toBe(expected);
        expect(arithmetic.digest({ pointer, bytes: whole.length })).toBe(expected);
        arithmetic.free(pointer, whole.length);
      }),
    );
  });

  test("takes more bytes than its window holds", () => {
    const bytes = sanityBytes(100_003);
    expect(arithmetic.digest(bytes)).toBe(reference(bytes));
  });

  test("leaves views of the memory as they were", () => {
    const pointer = arithmetic.allocate(64);
    const view = arithmetic.u8(pointer, 64).fill(7);
    arithmetic.digest(view);
    expect([...view]).toEqual(Array.from({ length: 64 }, () => 7));
    arithmetic.free(pointer, 64);
  });

  test("moves when any one bit does", () => {
    const bytes = sanityBytes(77);
    const digests = new Set([arithmetic.digest(bytes)]);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      digests.add(arithmetic.digest(changed));
    }
    expect(digests.size).toBe(bytes.length * 8 + 1);
  });
});
