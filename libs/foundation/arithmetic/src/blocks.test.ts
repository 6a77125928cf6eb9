import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadArithmetic } from "./arithmetic.ts";

const arithmetic = loadArithmetic();
const smallestNormal = 2 ** -126;
const guard = 12345;

const flush = (x: number): number => (Math.abs(x) < smallestNormal ? x * 0 : x);
const bits = (values: Iterable<number>): number[] => [...new Uint32Array(Float32Array.from(values).buffer)];

/** Copies vectors in with guards after each, runs, and returns the vectors as they are then; checks the guards. */
function withVectors(vectors: readonly number[][], run: (...pointers: number[]) => void): number[][] {
  const pointers = vectors.map((vector) => {
    const pointer = arithmetic.allocate((vector.length + 4) * 4);
    arithmetic.f32(pointer, vector.length + 4).set([...vector, guard, guard, guard, guard]);
    return pointer;
  });
  run(...pointers);
  return vectors.map((vector, index) => {
    const pointer = pointers[index] ?? 0;
    const after = [...arithmetic.f32(pointer, vector.length + 4)];
    arithmetic.free(pointer, (vector.length + 4) * 4);
    expect(after.slice(vector.length), "numbers past the end were touched").toEqual([
      guard,
      guard,
      guard,
      guard,
    ]);
    return after.slice(0, vector.length);
  });
}

const float = fc.oneof(
  fc.float({ noNaN: true }),
  fc.float({ noNaN: true, min: Math.fround(-(2 ** -124)), max: Math.fround(2 ** -124) }),
  fc.constantFrom(0, -0, smallestNormal, -smallestNormal, 2 ** -149, -(2 ** -149), 1, -1),
);
const pair = fc
  .nat(21)
  .chain((n) =>
    fc.tuple(
      fc.array(float, { minLength: n, maxLength: n }),
      fc.array(float, { minLength: n, maxLength: n }),
      fc.float({ noNaN: true, noDefaultInfinity: true }),
    ),
  );
const at = (values: readonly number[], i: number): number => values[i] ?? Number.NaN;
const f = Math.fround;

/** Bit for bit, except that every NaN counts as the same: their payloads are the processor's choice. */
function expectSameBits(actual: readonly number[], expected: readonly number[]): void {
  const settle = (values: readonly number[]) => bits(values.map((x) => (Number.isNaN(x) ? 0.123 : x)));
  expect(settle(actual)).toEqual(settle(expected));
}

describe("float32 vectors", () => {
  test("are added with denormals flushed before and after, at any length, in place or not", () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const n = a.length;
        const expected = a.map((x, i) => flush(f(flush(x) + flush(at(b, i)))));
        expectSameBits(
          withVectors([a, b, a], (pa, pb, pd) => arithmetic.add(pd, pa, pb, n))[2] ?? [],
          expected,
        );
        expectSameBits(withVectors([a, b], (pa, pb) => arithmetic.add(pa, pa, pb, n))[0] ?? [], expected);
      }),
      { numRuns: 300 },
    );
  });

  test("keep the sign of what is flushed", () => {
    const [sum] = withVectors([[-(2 ** -130), 2 ** -130, -smallestNormal]], (p) => {
      const zeros = arithmetic.allocate(16);
      arithmetic.f32(zeros, 4).set([-0, -0, f(1.5 * smallestNormal), 0]);
      arithmetic.add(p, p, zeros, 3);
      arithmetic.free(zeros, 16);
    });
    expect(sum?.map((x) => Object.is(x, -0))).toEqual([true, false, false]);
    expect(sum?.every((x) => x === 0)).toBe(true);
  });

  test("are scaled and accumulated with two roundings, flushed likewise", () => {
    fc.assert(
      fc.property(pair, ([a, b, w]) => {
        const n = a.length;
        const scaled = b.map((x) => flush(f(w * flush(x))));
        expectSameBits(withVectors([a, b], (pa, pb) => arithmetic.scaleInto(pa, pb, w, n))[0] ?? [], scaled);
        expectSameBits(
          withVectors([a, b], (pa, pb) => arithmetic.accumulate(pa, pb, w, n))[0] ?? [],
          a.map((x, i) => flush(f(flush(x) + at(scaled, i)))),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("are filled with one value and no further than asked", () => {
    for (let n = 0; n <= 9; n++) {
      const [filled] = withVectors([new Array<number>(n).fill(0)], (p) => arithmetic.fill(p, 0.1, n));
      expect(filled).toEqual(new Array<number>(n).fill(f(0.1)));
    }
  });

  test("have an inner product in float64, in the documented order of eight running sums", () => {
    const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(finite, finite), { maxLength: 40 }), (rows) => {
        const s = new Array<number>(8).fill(0);
        rows.forEach(([x, y], i) => (s[i % 8] = at(s, i % 8) + x * y));
        const even = at(s, 0) + at(s, 2) + (at(s, 4) + at(s, 6));
        const odd = at(s, 1) + at(s, 3) + (at(s, 5) + at(s, 7));
        const [a, b] = [rows.map(([x]) => x), rows.map(([, y]) => y)];
        withVectors([a, b], (pa, pb) => {
          expect(arithmetic.dot(pa, pb, rows.length)).toBe(even + odd);
          expect(arithmetic.sumSquares(pa, rows.length)).toBe(arithmetic.dot(pa, pa, rows.length));
          const [own, mixed, other] = [
            [pa, pa],
            [pa, pb],
            [pb, pb],
          ].map(([x, y]) => arithmetic.dot(x as number, y as number, rows.length));
          expect([...arithmetic.products([pa, pb], rows.length)]).toEqual([own, mixed, mixed, other]);
        });
      }),
    );
  });

  test.each([Infinity, -Infinity, Number.NaN])("show a single %s at every position", (bad) => {
    for (const n of [1, 2, 3, 4, 5, 11]) {
      for (let position = 0; position < n; position++) {
        const vector = new Array<number>(n).fill(3e38);
        withVectors([vector], (p) => expect(arithmetic.allFinite(p, n)).toBe(true));
        vector[position] = bad;
        withVectors([vector], (p) => {
          expect(arithmetic.allFinite(p, n)).toBe(false);
          expect(arithmetic.allFinite(p, position)).toBe(true);
        });
      }
    }
  });

  test("show a NaN far into a long vector", () => {
    const vector = new Array<number>(10_001).fill(1);
    vector[9_999] = Number.NaN;
    withVectors([vector], (p) => expect(arithmetic.allFinite(p, vector.length)).toBe(false));
  });
});

describe("optimiser kernels", () => {
  const n = 7;
  const column = fc.array(fc.float({ noNaN: true, min: -4, max: 4 }), { minLength: n, maxLength: n });
  const rate = f(0.05);
  const scale = f(0.7);
  const l2 = f(0.01);
  const gradientOf = (g: readonly number[], p: number, i: number) => f(f(scale * at(g, i)) + f(l2 * p));

  test("sgd computes its formula, one float32 rounding per operation", () => {
    fc.assert(
      fc.property(column, column, (p, g) => {
        const [before, next] = withVectors([p, p.map(() => 0), g], (params, to, gradient) =>
          arithmetic.sgd({ params, next: to, gradient, n, gradientScale: scale, l2 }, rate),
        );
        expectSameBits(before ?? [], p);
        expectSameBits(
          next ?? [],
          p.map((x, i) => flush(f(x - f(rate * gradientOf(g, x, i))))),
        );
      }),
    );
  });

  test.each([false, true])("momentum (nesterov: %s) computes its formula, in place as well", (nesterov) => {
    const decay = f(0.9);
    fc.assert(
      fc.property(column, column, column, (p, g, u) => {
        const results = withVectors([p, g, u], (params, gradient, velocity) =>
          arithmetic.momentum(
            { params, next: params, gradient, velocity, nextVelocity: velocity, n, gradientScale: scale, l2 },
            { learningRate: rate, momentum: decay, nesterov },
          ),
        );
        const gs = p.map((x, i) => gradientOf(g, x, i));
        const us = gs.map((x, i) => flush(f(f(decay * at(u, i)) + x)));
        const direction = nesterov ? gs.map((x, i) => f(x + f(decay * at(us, i)))) : us;
        expectSameBits(results[2] ?? [], us);
        expectSameBits(
          results[0] ?? [],
          p.map((x, i) => flush(f(x - f(rate * at(direction, i))))),
        );
      }),
    );
  });

  test("adam computes its formula and leaves version n as it was", () => {
    const rule = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, stepSize: 0.003, rootScale: 1.7, decay: 0.001 };
    const v0 = fc.array(fc.float({ noNaN: true, min: 0, max: 4 }), { minLength: n, maxLength: n });
    fc.assert(
      fc.property(column, column, column, v0, (p, g, m, v) => {
        const zero = p.map(() => 0);
        const after = withVectors(
          [p, zero, g, m, zero, v, zero],
          (params, next, gradient, m1, nextM, v1, nextV) =>
            arithmetic.adam(
              { params, next, gradient, m: m1, v: v1, nextM, nextV, n, gradientScale: scale, l2 },
              rule,
            ),
        );
        const gs = p.map((x, i) => gradientOf(g, x, i));
        const ms = gs.map((x, i) => flush(f(f(f(0.9) * at(m, i)) + f(f(1 - 0.9) * x))));
        const vs = gs.map((x, i) => flush(f(f(f(0.999) * at(v, i)) + f(f(f(1 - 0.999) * x) * x))));
        expectSameBits(after[0] ?? [], p);
        expectSameBits(after[3] ?? [], m);
        expectSameBits(after[5] ?? [], v);
        expectSameBits(after[4] ?? [], ms);
        expectSameBits(after[6] ?? [], vs);
        expectSameBits(
          after[1] ?? [],
          p.map((x, i) => {
            const denominator = f(f(f(Math.sqrt(at(vs, i))) * f(rule.rootScale)) + f(rule.epsilon));
            const moved = f(f(f(rule.stepSize) * at(ms, i)) / denominator);
            return flush(f(x - f(moved + f(f(rule.decay) * x))));
          }),
        );
      }),
    );
  });

  test("let moments without a gradient decay to zero instead of into denormals", () => {
    const zero = [0];
    const after = withVectors([zero, zero, [1e-37]], (params, gradient, velocity) => {
      for (let step = 0; step < 100; step++) {
        arithmetic.momentum(
          { params, next: params, gradient, velocity, nextVelocity: velocity, n: 1, gradientScale: 1, l2: 0 },
          { learningRate: 0, momentum: 0.9, nesterov: false },
        );
      }
    });
    expect(after[2]).toEqual([0]);
  });
});
