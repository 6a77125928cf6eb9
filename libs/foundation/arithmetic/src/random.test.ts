import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadArithmetic } from "./arithmetic.ts";
import { type Key, randomKey } from "./key.ts";
import { philox4x32 } from "./philox.ts";
import { sipHash24 } from "./sip-hash.ts";

const arithmetic = loadArithmetic();

function filled(n: number, fill: (pointer: number) => void): Float32Array {
  const pointer = arithmetic.allocate(n * 4);
  fill(pointer);
  const copy = arithmetic.f32(pointer, n).slice();
  arithmetic.free(pointer, n * 4);
  return copy;
}

const uniform = (n: number, key: Key, offset = 0, low = 0, high = 1) =>
  filled(n, (p) => arithmetic.fillUniform(p, n, key, offset, low, high));
const normal = (n: number, key: Key, offset = 0) =>
  filled(n, (p) => arithmetic.fillNormal(p, n, key, offset, 0, 1));
const mask = (n: number, key: Key, offset = 0) =>
  filled(n, (p) => arithmetic.fillBernoulliMask(p, n, key, offset, 0.75, 4 / 3));

describe("Philox4x32-10", () => {
  // Known-answer vectors published with Random123 (kat_vectors).
  test.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)("gives the published words for counter %j and key %j", (counter, [low, high], words) => {
    expect(philox4x32(counter, { low, high })).toEqual(words);
  });

  test("is the same function in the module, block for block and kind for kind", () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 31 - 1),
        fc.nat(2 ** 31 - 1),
        fc.integer({ min: 0, max: 2 ** 50 }),
        (low, high, block) => {
          const key = { low: (low * 2 + 1) >>> 0, high: (high * 2) >>> 0 };
          const counter = [block % 2 ** 32, Math.floor(block / 2 ** 32)] as const;
          const words = philox4x32([...counter, 0, 0], key);
          expect([...uniform(4, key, block * 4)]).toEqual(words.map((word) => (word >>> 8) / 2 ** 24));
          const masks = philox4x32([...counter, 2, 0], key).map((word) =>
            word < 0xc0000000 ? Math.fround(4 / 3) : 0,
          );
          expect([...mask(4, key, block * 4)]).toEqual(masks);
          const [a, b, c, d] = philox4x32([...counter, 1, 0], key);
          const pairOf = (x: number, y: number) => {
            const radius = Math.sqrt(-2 * Math.log((x + 1) / 2 ** 32));
            return [
              radius * Math.cos((2 * Math.PI * y) / 2 ** 32),
              radius * Math.sin((2 * Math.PI * y) / 2 ** 32),
            ];
          };
          [...normal(4, key, block * 4)].forEach((z, i) =>
            expect(z).toBeCloseTo([...pairOf(a, b), ...pairOf(c, d)][i] ?? Number.NaN, 6),
          );
        },
      ),
    );
  });
});

describe("SipHash-2-4", () => {
  // From the reference implementation's table: key 00..0f, message 00..(n-1).
  test.each([
    [0, 0x726fdb47, 0xdd0e0e31],
    [1, 0x74f839c5, 0x93dc67fd],
    [8, 0x93f5f579, 0x9a932462],
    [15, 0xa129ca61, 0x49be45e5],
  ])("gives the published hash of %i bytes", (length, high, low) => {
    const key = Uint8Array.from({ length: 16 }, (_, i) => i);
    expect(sipHash24(key, key.slice(0, length))).toEqual({ low, high });
  });
});

describe("random keys", () => {
  test("differ for different lists of parts, however alike they look", () => {
    const lists: (string | number)[][] = [
      [1], [1, ""], [1, "", ""], [1, "a", "b"], [1, "ab"], [1, "b", "a"], [1, 1], [1, "1"], [2], [1, 0], [1.5], [-1],
      [1, "ä"], [1, "a\u0308"],
    ]; // prettier-ignore
    const names = lists.map(([seed, ...parts]) => JSON.stringify(randomKey(seed as number, ...parts)));
    expect(new Set(names).size).toBe(lists.length);
  });

  test("are the same for 0 and -0, and for equal parts", () => {
    expect(randomKey(7, "x", -0)).toEqual(randomKey(7, "x", 0));
    expect(randomKey(7, "x", 3)).not.toEqual(randomKey(7, "x", 4));
  });

  test("do not collide over a hundred thousand neighbouring draws", () => {
    const names = new Set<number>();
    for (let step = 0; step < 100_000; step++) {
      const { low, high } = randomKey(7, "dropout", step);
      names.add(high * 2 ** 20 + (low >>> 12));
    }
    expect(names.size).toBe(100_000);
  });

  test.each([Number.NaN, Infinity])("cannot be made from %s", (part) => {
    expect(() => randomKey(part)).toThrow(RangeError);
    expect(() => randomKey(1, part)).toThrow(RangeError);
  });
});

describe("keyed fills", () => {
  const key = randomKey(7, "test");

  test.each([
    ["uniform", uniform],
    ["normal", normal],
    ["mask", mask],
  ] as const)("%s: any part can be drawn alone", (_name, draw) => {
    const whole = draw(40, key, 1000);
    fc.assert(
      fc.property(fc.nat(39), fc.nat(40), (start, length) => {
        const n = Math.min(length, 40 - start);
        expect(draw(n, key, 1000 + start)).toEqual(whole.slice(start, start + n));
      }),
    );
  });

  test("are random in the large offsets of long runs too", () => {
    const far = uniform(8, key, 2 ** 52);
    expect(uniform(4, key, 2 ** 52 + 4)).toEqual(far.slice(4));
    expect(far).not.toEqual(uniform(8, key, 0));
  });

  test("uniform numbers fill their range evenly", () => {
    const n = 200_000;
    const draws = uniform(n, key, 0, -2, 6);
    const counts = new Array<number>(16).fill(0);
    for (const x of draws) counts[Math.floor((x + 2) * 2)] = (counts[Math.floor((x + 2) * 2)] ?? 0) + 1;
    expect(counts.length).toBe(16);
    const chiSquare = counts.reduce((sum, count) => sum + (count - n / 16) ** 2 / (n / 16), 0);
    expect(chiSquare).toBeLessThan(37.7); // 15 degrees of freedom, p = 0.001
  });

  test("normal numbers have the moments and tails of the normal distribution", () => {
    const n = 200_000;
    const draws = normal(n, key);
    const moment = (power: number) => draws.reduce((sum, x) => sum + x ** power, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
    const beyondTwo = draws.filter((x) => Math.abs(x) > 2).length / n;
    expect(Math.abs(beyondTwo - 0.0455)).toBeLessThan(4 * Math.sqrt(0.0455 / n));
    const neighbours = draws.reduce((sum, x, i) => sum + x * (draws[i + 1] ?? 0), 0) / n;
    expect(Math.abs(neighbours)).toBeLessThan(4 / Math.sqrt(n));
  });

  test("mean and standard deviation shift and stretch the same draws", () => {
    const shifted = filled(9, (p) => arithmetic.fillNormal(p, 9, key, 0, 3, 0.5));
    normal(9, key).forEach((z, i) => expect(shifted[i]).toBeCloseTo(3 + 0.5 * z, 6));
  });

  test("masks keep their share and are scaled", () => {
    const n = 100_000;
    const draws = mask(n, key);
    const kept = draws.filter((x) => x !== 0);
    expect(new Set(kept)).toEqual(new Set([Math.fround(4 / 3)]));
    expect(Math.abs(kept.length / n - 0.75)).toBeLessThan(4 * Math.sqrt((0.75 * 0.25) / n));
  });

  test("masks with probability 1 keep all and with 0 none", () => {
    expect(filled(50, (p) => arithmetic.fillBernoulliMask(p, 50, key, 0, 1, 2)).every((x) => x === 2)).toBe(
      true,
    );
    expect(filled(50, (p) => arithmetic.fillBernoulliMask(p, 50, key, 0, 0, 2)).every((x) => x === 0)).toBe(
      true,
    );
  });

  test("kinds under one key are independent", () => {
    const n = 50_000;
    const [u, z, b] = [uniform(n, key), normal(n, key), mask(n, key)];
    const covariance = (x: Float32Array, y: Float32Array, meanX: number, meanY: number) =>
      x.reduce((sum, value, i) => sum + (value - meanX) * ((y[i] ?? 0) - meanY), 0) / n;
    expect(Math.abs(covariance(u, z, 0.5, 0))).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(covariance(u, b, 0.5, 1))).toBeLessThan(4 * Math.sqrt(1 / 36 / n));
  });
});
