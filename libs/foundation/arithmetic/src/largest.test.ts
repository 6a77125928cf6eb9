import fc from "fast-check";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { loadArithmetic } from "./arithmetic.ts";
import { randomKey } from "./key.ts";
import { keptOf, largestBlockNumbers, largestBytes } from "./largest.ts";

const arithmetic = loadArithmetic();
const most = 2 * largestBlockNumbers + 700;
const [source, encoded, decoded] = [0, 1, 2].map(() => arithmetic.allocate(most * 4)) as [
  number,
  number,
  number,
];

function take(
  values: Float32Array,
  kept: number,
): { readonly bytes: Uint8Array; readonly left: Float32Array } {
  arithmetic.f32(source, values.length).set(values);
  arithmetic.takeLargest(encoded, source, values.length, kept);
  return {
    bytes: arithmetic.u8(encoded, largestBytes(values.length, kept)).slice(),
    left: arithmetic.f32(source, values.length).slice(),
  };
}

function add(to: Float32Array, bytes: Uint8Array, kept: number): Float32Array {
  arithmetic.f32(decoded, to.length).set(to);
  arithmetic.u8(encoded, bytes.length).set(bytes);
  arithmetic.addLargest(decoded, encoded, to.length, kept);
  return arithmetic.f32(decoded, to.length).slice();
}

const decode = (bytes: Uint8Array, n: number, kept: number): Float32Array =>
  add(new Float32Array(n), bytes, kept);

const smallestNormal = 1.1754943508222875e-38;
const flushed = (value: number): number => (Math.abs(value) < smallestNormal ? 0 : value);

/** By sorting, one block after the other: what the kernels are held against. */
function plain(
  values: Float32Array,
  kept: number,
): { readonly sent: Float32Array; readonly left: Float32Array } {
  const sent = new Float32Array(values.length);
  const left = values.slice();
  for (let from = 0; from < values.length; from += largestBlockNumbers) {
    const block = [...values.subarray(from, from + largestBlockNumbers)].map(flushed);
    const k = Math.ceil((kept * block.length) / largestBlockNumbers);
    const chosen = block
      .map((value, place) => ({ value, place }))
      .sort((a, b) => Math.abs(b.value) - Math.abs(a.value) || a.place - b.place)
      .slice(0, k);
    const bits = new Uint32Array(1);
    const number = new Float32Array(bits.buffer);
    number[0] = Math.abs(chosen[0]?.value ?? 0) / 127;
    bits[0] = (bits[0] as number) & 0xffffff00;
    const scale = flushed(number[0]);
    if (scale === 0) continue;
    const inverse = Math.fround(1 / scale);
    const groups = new Map<number, number>();
    for (const { value, place } of chosen.sort((a, b) => a.place - b.place)) {
      const group = Math.floor(place / 256);
      groups.set(group, (groups.get(group) ?? 0) + 1);
      if ((groups.get(group) as number) > 255) continue;
      const quotient = Math.fround(value * inverse);
      const down = Math.floor(quotient);
      const up = quotient - down > 0.5 || (quotient - down === 0.5 && down % 2 !== 0);
      const q = up ? down + 1 : down;
      sent[from + place] = q * scale;
      left[from + place] = flushed(Math.fround(value - q * scale));
    }
  }
  return { sent, left };
}

const normal = (n: number, seed: number, std: number): Float32Array => {
  arithmetic.fillNormal(source, n, randomKey(seed, "largest"), 0, 0, std);
  return arithmetic.f32(source, n).slice();
};
const anyVector = fc
  .array(
    fc.oneof(
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -3, max: 3 }),
      fc.constantFrom(0, -0, 1e-45, -1e-39, 3.4e38, 2 ** -126),
    ),
    { minLength: 1, maxLength: 600 },
  )
  .map((values) => Float32Array.from(values));
const longVector = fc
  .record({
    n: fc.constantFrom(1, 255, 256, 257, largestBlockNumbers - 1, largestBlockNumbers, most),
    seed: fc.integer(),
    std: fc.constantFrom(1e-8, 0.02, 50),
    /** Coarse: many numbers of one size. */
    steps: fc.constantFrom(0, 2, 64),
  })
  .map(({ n, seed, std, steps }) =>
    normal(n, seed, std).map((value) => (steps === 0 ? value : Math.trunc((value / std) * steps) * std)),
  );
const keptNumbers = fc.oneof(
  fc.constantFrom(1, 164, 819, largestBlockNumbers),
  fc.integer({ min: 1, max: 6000 }),
);

describe("the largest numbers", () => {
  test("take the bytes that they say, for any length", () => {
    for (const n of [0, 1, 3, 255, 256, 257, 1500, largestBlockNumbers, largestBlockNumbers + 1])
      for (const kept of [1, 164, 16384]) {
        arithmetic.u8(encoded, most * 4).fill(0xaa);
        arithmetic.fillNormal(source, n, randomKey(1, "n"), 0, 0, 1);
        arithmetic.takeLargest(encoded, source, n, kept);
        const bytes = arithmetic.u8(encoded, most * 4);
        expect(bytes.subarray(largestBytes(n, kept)).every((byte) => byte === 0xaa)).toBe(true);
      }
  });

  test("are those that sorting finds, the first of tied ones, and what is left is all else to the bit", () => {
    fc.assert(
      fc.property(fc.oneof(anyVector, longVector), keptNumbers, (values, kept) => {
        const expected = plain(values, kept);
        const { bytes, left } = take(values, kept);
        const sent = decode(bytes, values.length, kept);
        for (const place of values.keys())
          if (sent[place] !== expected.sent[place] || left[place] !== expected.left[place])
            throw new Error(
              `number ${place}, ${values[place]}: ${sent[place]} and ${left[place]} left, not ${expected.sent[place]} and ${expected.left[place]}`,
            );
      }),
      { numRuns: 60 },
    );
  });

  test("of whole blocks have the bytes that they have in the whole", () => {
    const values = normal(most, 4, 1);
    const whole = take(values, 300).bytes;
    const part = take(values.subarray(largestBlockNumbers), 300).bytes;
    expect(whole.subarray(largestBytes(largestBlockNumbers, 300))).toEqual(part);
  });

  test("come through in the end, however few at a time: what is left goes with the next", () => {
    let left: Float32Array = normal(5000, 9, 1);
    const all = left.slice();
    let received: Float32Array = new Float32Array(5000);
    for (let turn = 0; turn < 60; turn++) {
      const taken = take(left, 1000);
      left = taken.left;
      received = add(received, taken.bytes, 1000);
    }
    for (const [place, value] of all.entries()) expect(received[place]).toBeCloseTo(value, 2);
  });

  test("show what is not finite, and leave nothing of its block", () => {
    fc.assert(
      fc.property(anyVector, fc.nat(), fc.constantFrom(NaN, Infinity, -Infinity), (values, at, odd) => {
        expect(decode(take(values, 900).bytes, values.length, 900).every(Number.isFinite)).toBe(true);
        values[at % values.length] = odd;
        const { bytes, left } = take(values, 900);
        expect(decode(bytes, values.length, 900).every(Number.isFinite)).toBe(false);
        expect(left.every((value) => value === 0)).toBe(true);
      }),
    );
  });

  test("of a sender that lies about its counts reach nothing but their own vector", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 700 }),
        fc.integer({ min: 1, max: 16384 }),
        fc.nat(255),
        (n, kept, byte) => {
          arithmetic.u8(decoded, most * 4).fill(0);
          arithmetic.u8(encoded, largestBytes(n, kept)).fill(byte);
          arithmetic.addLargest(decoded, encoded, n, kept);
          expect(arithmetic.u8(decoded + n * 4, (most - n) * 4).every((other) => other === 0)).toBe(true);
        },
      ),
    );
  });

  test("leave what they do not reach as it is, to the bit", () => {
    const { bytes } = take(normal(300, 2, 1), 100);
    const to = new Float32Array(300).fill(-0);
    const reached = decode(bytes, 300, 100);
    for (const [place, value] of add(to, bytes, 100).entries())
      if (reached[place] === 0) expect(Object.is(value, -0) || Object.is(value, 0)).toBe(true);
      else expect(value).toBe(reached[place]);
  });

  test("are written as said, to the byte", () => {
    const { bytes, left } = take(Float32Array.from([1, -127, 3, 0.25, 64.5, 0, 2]), (16384 / 7) * 3);
    expect(Buffer.from(bytes).toString("hex")).toBe("0000803f" + "03" + "010204" + "810340");
    expect([...left]).toEqual([1, 0, 0, 0.25, 0.5, 0, 2]);
  });

  test("of 33,468 normal draws have known bytes", () => {
    const { bytes, left } = take(normal(most, 7, 0.02), keptOf(0.01));
    const hash = createHash("sha256").update(bytes).update(new Uint8Array(left.buffer));
    expect(hash.digest("hex").slice(0, 16)).toBe("457a6882c1d5e415");
  });
});
