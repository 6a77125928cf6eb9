import { createRequire } from "node:module";
import {
  type Arithmetic,
  differingKernel,
  largestBytes,
  loadArithmetic,
  type NativeKernels,
  passNumbers,
  randomKey,
} from "@latentweave/arithmetic";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addons, ensureAddon } from "./addon.ts";
import { type Kernels, loadFastArithmetic, loadKernels } from "./load-kernels.ts";

const addon = await ensureAddon(addons.kernels);

describe.skipIf(addon.kind === "unavailable")("kernels compiled for this processor", () => {
  const kernels = createRequire(import.meta.url)(addon.kind === "ready" ? addon.file : "") as NativeKernels;
  const module = loadArithmetic();
  const own = loadArithmetic(kernels);

  it("give the bits of the WebAssembly module", () => {
    expect(differingKernel(module, own)).toBeUndefined();
    expect(typeof loadKernels()).toBe("object");
  });

  it("do so for whatever numbers come, NaN apart", () => {
    const number = fc.oneof(
      fc.float({ noNaN: true }),
      fc.float({ noNaN: true, min: Math.fround(-1e-37), max: Math.fround(1e-37) }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 70 }), number, (pairs, w) => {
        const [one, other] = [module, own].map((arithmetic) => summed(arithmetic, pairs, w));
        expect(other).toEqual(one);
      }),
      { numRuns: 500 },
    );
  });

  it("digest any number of bytes, however they are cut, as the module does", () => {
    const bytes = Uint8Array.from({ length: 2_500 }, (_, i) => (i * 31 + (i >> 7)) & 0xff);
    for (let length = 0; length <= bytes.length; length++) {
      const some = bytes.subarray(0, length);
      expect(own.digest(some), `${length} bytes`).toBe(module.digest(some));
    }
    const pieces = fc.array(fc.nat(1_200), { maxLength: 9 });
    fc.assert(
      fc.property(pieces, (lengths) => {
        const some = lengths.map((length, i) => bytes.subarray(i, i + length));
        const open = own.openDigest();
        for (const piece of some) open.feed(piece);
        expect(open.end()).toBe(module.digest(Buffer.concat(some)));
      }),
    );
  });

  it("multiply however many vectors of whatever length with each other to the same bits", () => {
    const cases = fc.record({
      vectors: fc.integer({ min: 1, max: 13 }),
      n: fc.integer({ min: 0, max: 1_300 }),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(cases, (one) => {
        const [ours, theirs] = [module, own].map((arithmetic) => productsOf(arithmetic, one));
        expect(theirs).toEqual(ours);
      }),
      { numRuns: 60 },
    );
  });

  describe("shared by threads", () => {
    const blocks = 40;
    const n = blocks * passNumbers - 77;

    it("are as many as are asked for, and never fewer than before", () => {
      expect(kernels.useThreads(3)).toBe(3);
      expect(kernels.useThreads(1)).toBe(3);
    });

    it("update, digest and multiply blocks to the bits of one thread, however often", () => {
      const expected = passOf(module, n);
      for (let round = 0; round < 20; round++) expect(passOf(own, n)).toEqual(expected);
    });

    it("find the one number that is not finite, in whichever block", () => {
      const at = own.allocate(4 * n);
      own.fill(at, 1, n);
      expect(own.allFinite(at, n)).toBe(true);
      for (const place of [0, passNumbers, 21 * passNumbers - 1, n - 1]) {
        own.f32(at, n)[place] = Number.NaN;
        expect(own.allFinite(at, n)).toBe(false);
        own.f32(at, n)[place] = 1;
      }
      own.free(at, 4 * n);
    });
  });

  it("choose the same largest numbers of several blocks, and leave the same", () => {
    const cases = fc.record({
      n: fc.integer({ min: 1, max: 40_000 }),
      seed: fc.integer(),
      kept: fc.integer({ min: 1, max: 16_384 }),
      steps: fc.constantFrom(0, 3, 100),
    });
    fc.assert(
      fc.property(cases, (one) => {
        const [ours, theirs] = [module, own].map((arithmetic) => largestOf(arithmetic, one));
        expect(theirs).toEqual(ours);
      }),
      { numRuns: 40 },
    );
  });

  it("refuse what lies outside the module's memory, and leave it alone", () => {
    const end = own.memoryBytes;
    expect(() => own.add(end - 8, end - 8, end - 8, 3)).toThrow("outside a memory");
    expect(() => own.digest({ pointer: end - 4, bytes: 8 })).toThrow("outside a memory");
    expect(() => own.fill(end - 8, 1, 2)).not.toThrow();
  });

  it("go on when the memory grows", () => {
    const fresh = loadArithmetic(kernels);
    const first = fresh.allocate(64);
    const far = fresh.allocate(200 * 2 ** 20);
    fresh.fill(first, 1, 16);
    fresh.fill(far, 2, 16);
    fresh.add(far, far, first, 16);
    expect([...fresh.f32(far, 16)]).toEqual(Array.from({ length: 16 }, () => 3));
  });

  it("gather rows of bytes as numbers of a table, and refuse rows that are not there", () => {
    const { gather } = loadKernels() as Kernels;
    const table = Float32Array.from({ length: 256 }, (_, byte) => byte / 255 - 0.5);
    const bytes = Uint8Array.from({ length: 5 * 37 }, (_, i) => i * 7);
    const out = new Float32Array(3 * 37).fill(9);
    gather(out, bytes, table, Int32Array.of(4, 0, 1, 2), 37);
    const row = (from: number): number[] =>
      [...bytes.subarray(from * 37, from * 37 + 37)].map((byte) => table[byte] as number);
    expect([...out]).toEqual([...row(4), ...Array.from({ length: 37 }, () => 9), ...row(1)]);
    for (const pair of [
      [5, 0],
      [0, 3],
      [-1, 0],
      [0, -1],
    ])
      // prettier-ignore
      expect(() => gather(out, bytes, table, Int32Array.from(pair), 37)).toThrow(RangeError);
  });

  it("are found out by a single wrong bit", () => {
    const wrong: Arithmetic = loadArithmetic({
      ...kernels,
      accumulate(base, dst, src, w, n) {
        kernels.accumulate(base, dst, src, w, n);
        const [last] = n === 33 ? wrong.u8(dst + 4 * n - 4, 1) : [];
        if (last !== undefined) wrong.u8(dst + 4 * n - 4, 1)[0] = last ^ 1;
      },
    });
    expect(differingKernel(module, wrong)).toBe("accumulate of 33 numbers");
  });
});

it("are done without where they are switched off: the same digest", () => {
  const reasons: string[] = [];
  const slow = loadFastArithmetic({ ...process.env, LATENTWEAVE_KERNELS: "off" }, (reason) =>
    reasons.push(reason),
  );
  expect(reasons).toEqual(["they are switched off (LATENTWEAVE_KERNELS=off)"]);
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
  expect(slow.digest(bytes)).toBe(loadFastArithmetic().digest(bytes));
});

/** What every kernel makes of some numbers, as integers. */
/** What is written of normal numbers (in coarse steps: many of one size), what is left, and what comes of adding it. */
function largestOf(
  arithmetic: Arithmetic,
  { n, seed, kept, steps }: { n: number; seed: number; kept: number; steps: number },
): string[] {
  const [source, written, sum] = [0, 1, 2].map(() => arithmetic.allocate(n * 4 + 34_000)) as [
    number,
    number,
    number,
  ];
  arithmetic.fillNormal(source, n, randomKey(seed, "largest"), 0, 0, 1);
  const numbers = arithmetic.f32(source, n);
  if (steps > 0) numbers.forEach((number, i) => (numbers[i] = Math.trunc(number * steps)));
  arithmetic.u8(sum, n * 4).set(arithmetic.u8(source, n * 4));
  arithmetic.takeLargest(written, source, n, kept);
  arithmetic.addLargest(sum, written, n, kept);
  const bytes = [[written, largestBytes(n, kept)] as const, [source, n * 4] as const, [sum, n * 4] as const];
  const digests = bytes.map(([at, length]) => arithmetic.digest({ pointer: at, bytes: length }));
  for (const pointer of [source, written, sum]) arithmetic.free(pointer, n * 4 + 34_000);
  return digests;
}

function productsOf(
  arithmetic: Arithmetic,
  { vectors, n, seed }: { vectors: number; n: number; seed: number },
): number[] {
  const bytes = n * 4 + 16;
  const at = Array.from({ length: vectors }, () => arithmetic.allocate(bytes));
  for (const [i, pointer] of at.entries())
    arithmetic.fillNormal(pointer, n, randomKey(seed, `vector ${i}`), 0, 0, 10 ** (i * 3 - 18));
  const products = [...arithmetic.products(at, n)];
  for (const pointer of at) arithmetic.free(pointer, bytes);
  return products;
}

function summed(
  arithmetic: Arithmetic,
  pairs: readonly (readonly [number, number])[],
  w: number,
): readonly number[] {
  const n = pairs.length;
  const [a, b, into] = [0, 1, 2].map(() => arithmetic.allocate(4 * n)) as [number, number, number];
  arithmetic.f32(a, n).set(pairs.map(([x]) => x));
  arithmetic.f32(b, n).set(pairs.map(([, y]) => y));
  arithmetic.add(into, a, b, n);
  arithmetic.accumulate(into, b, w, n);
  arithmetic.scaleInto(b, into, w, n);
  const bits = [...new Uint32Array(arithmetic.u8(into, 4 * n).slice().buffer)];
  for (const pointer of [a, b, into]) arithmetic.free(pointer, 4 * n);
  return bits;
}

/** All that threads share, on vectors of keyed numbers: digests of what comes of it. */
function passOf(own: Arithmetic, n: number): unknown {
  const bytes = 4 * n;
  const blocks = Math.ceil(n / passNumbers);
  const vectors = Array.from({ length: 7 }, (_, vector) => {
    const pointer = own.allocate(bytes);
    own.fillUniform(pointer, n, randomKey(3, "pass", String(vector)), 0, 0, 1);
    return pointer;
  });
  const into = own.allocate(8 * blocks);
  const [params = 0, next = 0, gradient = 0, m = 0, v = 0, nextM = 0, nextV = 0] = vectors;
  for (const more of [0, 1])
    own.inBlocks(n, (kernels, scratch) => {
      kernels.scaleInto(scratch, gradient, 0.3, n);
      if (more === 1) kernels.accumulate(scratch, m, -0.7, n);
      kernels.adam(
        { params, next, gradient: scratch, n, gradientScale: 1, l2: 0, m, v, nextM, nextV },
        { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, stepSize: 0.01, rootScale: 1.3, decay: 0.001 },
      );
      kernels.digestInto(into, next, n);
    });
  const products = own.productsOfEach(
    Array.from({ length: blocks }, (_, block) => ({
      vectors: vectors.slice(block % 3).map((pointer) => pointer + 4 * passNumbers * block),
      n: Math.min(passNumbers, n - block * passNumbers),
    })),
  );
  const said = [
    ...vectors.map((pointer) => own.digest({ pointer, bytes })),
    own.digest({ pointer: into, bytes: 8 * blocks }),
    products.map((all) => [...all]),
  ];
  for (const pointer of vectors) own.free(pointer, bytes);
  own.free(into, 8 * blocks);
  return said;
}
