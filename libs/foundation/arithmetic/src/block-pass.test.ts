import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Arithmetic, loadArithmetic } from "./arithmetic.ts";
import { passNumbers } from "./block-pass.ts";
import { randomKey } from "./key.ts";

const lengths = fc.oneof(
  fc.constantFrom(0, 1, passNumbers - 1, passNumbers, passNumbers + 1),
  fc.integer({ min: 0, max: 5 * passNumbers }),
);
const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, stepSize: 0.01, rootScale: 1.3, decay: 0.001 };

/** Nine vectors of keyed numbers; second moments are not negative. */
function vectors(arithmetic: Arithmetic, n: number, seed: number): number[] {
  return Array.from({ length: 9 }, (_, vector) => {
    const pointer = arithmetic.allocate(Math.max(4, 4 * n));
    arithmetic.fillNormal(pointer, n, randomKey(seed, "pass", String(vector)), 0, 0, 0.1);
    if (vector === 5)
      for (const [i, x] of arithmetic.f32(pointer, n).entries()) arithmetic.f32(pointer, n)[i] = x * x;
    return pointer;
  });
}

const wordsOf = (arithmetic: Arithmetic, pointers: readonly number[], n: number): Uint32Array[] =>
  pointers.map((pointer) => new Uint32Array(arithmetic.u8(pointer, 4 * n).slice().buffer));

describe("a pass over blocks", () => {
  it("comes to what its operations come to one after the other, whatever the length", () => {
    fc.assert(
      fc.property(lengths, fc.integer(), (n, seed) => {
        const [one, other] = [loadArithmetic(), loadArithmetic()];
        const [a, b] = [one, other].map((arithmetic) => vectors(arithmetic, n, seed)) as [number[], number[]];
        const say = (
          kernels: Pick<Arithmetic, "scaleInto" | "accumulate" | "adam">,
          [params, next, first, second, m, v, nextM, nextV]: readonly number[],
          scratch: number,
        ): void => {
          kernels.scaleInto(scratch, first as number, 0.25, n);
          kernels.accumulate(scratch, second as number, -1.5, n);
          const update = { params: params as number, next: next as number, gradient: scratch, n };
          const moments = { m: m as number, v: v as number, nextM: nextM as number, nextV: nextV as number };
          kernels.adam({ ...update, ...moments, gradientScale: 0.5, l2: 0.01 }, adam);
        };
        one.inBlocks(n, (kernels, scratch) => say(kernels, a, scratch));
        say(other, b, b[8] as number);
        expect(wordsOf(one, a.slice(0, 8), n)).toEqual(wordsOf(other, b.slice(0, 8), n));
      }),
      { numRuns: 30 },
    );
  });

  it("digests each block by itself", () => {
    fc.assert(
      fc.property(lengths, fc.integer(), (n, seed) => {
        const own = loadArithmetic();
        const [vector] = vectors(own, n, seed) as [number];
        const blocks = Math.ceil(n / passNumbers);
        const into = own.allocate(Math.max(8, 8 * blocks));
        own.inBlocks(n, (kernels) => kernels.digestInto(into, vector, n));
        const made = [...new BigUint64Array(own.u8(into, 8 * blocks).slice().buffer)];
        const expected = Array.from({ length: blocks }, (_, block) => {
          const numbers = Math.min(passNumbers, n - block * passNumbers);
          return own.digest({ pointer: vector + block * passNumbers * 4, bytes: 4 * numbers });
        });
        expect(made.map((digest) => digest.toString(16).padStart(16, "0"))).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it("refuses an operation on another number of numbers, and does nothing then", () => {
    const own = loadArithmetic();
    const vector = own.allocate(400);
    own.fill(vector, 1, 100);
    expect(() =>
      own.inBlocks(100, (kernels) => {
        kernels.scaleInto(vector, vector, 2, 100);
        kernels.scaleInto(vector, vector, 2, 99);
      }),
    ).toThrow("scaleInto of 99 numbers in a pass over 100");
    expect(own.f32(vector, 100).every((number) => number === 1)).toBe(true);
  });
});

describe("a digest of bytes that come in parts", () => {
  it("is the digest of all of them, whether they are taken, added or shown", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (parts) => {
        const own = loadArithmetic();
        const [at, to] = [own.allocate(256), own.allocate(256)];
        const digest = own.openDigest();
        const whole = parts.map((part, i) => (i % 3 === 2 ? part : part.subarray(0, part.length & ~3)));
        for (const [i, part] of whole.entries()) {
          if (i % 3 === 0) own.takeBytes(at, part, digest);
          else if (i % 3 === 1) own.addBytes(to, at, part, digest);
          else digest.feed(part);
        }
        expect(digest.end()).toBe(own.digest(...whole));
      }),
    );
  });
});
