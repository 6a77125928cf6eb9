import { xxh3 } from "@node-rs/xxhash";
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

/** XXH3 of 64 bits, seed 0, by an implementation that shares nothing with the module. */
const reference = (bytes: Uint8Array): string => xxh3.xxh64(bytes).toString(16).padStart(16, "0");

describe("the digest", () => {
  test.each([
    [0, "2d06800538d394c2"],
    [1, "c44bdff4074eecdb"],
    [6, "27b56a84cd2d7325"],
    [12, "a713daf0dfbb77e7"],
    [24, "a3fe70bf9d3510eb"],
    [48, "397da259ecba1f11"],
    [80, "bcdefbbb2c47c90a"],
    [195, "cd94217ee362ec3a"],
    [403, "cdeb804d65c6dea4"],
    [512, "617e49599013cb6b"],
    [2048, "dd59e2c3a5f038e0"],
    [2240, "6e73a90539cf2948"],
    [2367, "cb37aeb9e5d361ed"],
  ])("of the first %i bytes of xxHash's sanity buffer is the published one", (length, published) => {
    expect(arithmetic.digest(sanityBytes(length))).toBe(published);
  });

  test("of any number of bytes is that of an independent implementation", () => {
    const bytes = sanityBytes(2500);
    for (let length = 0; length <= bytes.length; length++) {
      const some = bytes.subarray(0, length);
      expect(arithmetic.digest(some), `${length} bytes`).toBe(reference(some));
    }
  });

  test("is that of an independent implementation, however the bytes are cut and wherever they lie", () => {
    const bytesOf = fc.uint8Array({ maxLength: 700 });
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

  test("of pieces that come one by one is that of all of them, whatever is digested in between", () => {
    const pieceOf = fc.tuple(fc.nat({ max: 2 }), fc.uint8Array({ maxLength: 700 }));
    fc.assert(
      fc.property(fc.array(pieceOf, { maxLength: 20 }), (pieces) => {
        const open = [0, 1, 2].map(() => arithmetic.openDigest());
        for (const [which, bytes] of pieces) {
          // What it was fed is its feeder's again.
          const lent = bytes.slice();
          open[which]?.feed(lent);
          lent.fill(0);
          arithmetic.digest(bytes);
        }
        for (const [which, digest] of open.entries()) {
          const own = pieces.filter(([of]) => of === which).map(([, bytes]) => bytes);
          expect(digest.end()).toBe(reference(Uint8Array.from(Buffer.concat(own))));
        }
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
