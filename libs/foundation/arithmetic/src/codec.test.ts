import fc from "fast-check";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { loadArithmetic } from "./arithmetic.ts";
import { type Codec, codecBlockNumbers, codecs, encodedBytes } from "./codec.ts";
import { randomKey } from "./key.ts";

const arithmetic = loadArithmetic();
const most = 3000;
const [source, encoded, decoded] = [0, 1, 2].map(() => arithmetic.allocate(most * 4)) as [
  number,
  number,
  number,
];

function encode(codec: Codec, values: ArrayLike<number>): Uint8Array {
  arithmetic.f32(source, values.length).set(values);
  arithmetic.encode(codec, encoded, source, values.length);
  return arithmetic.u8(encoded, encodedBytes(codec, values.length)).slice();
}

function decode(codec: Codec, bytes: Uint8Array, n: number): Float32Array {
  arithmetic.u8(encoded, bytes.length).set(bytes);
  arithmetic.decode(codec, decoded, encoded, n);
  return arithmetic.f32(decoded, n).slice();
}

function rounded(codec: Codec, values: ArrayLike<number>): Float32Array {
  arithmetic.f32(source, values.length).set(values);
  arithmetic.roundTo(codec, decoded, source, values.length);
  return arithmetic.f32(decoded, values.length).slice();
}

const bitsOf = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer.slice(0));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const smallestNormal = 1.1754943508222875e-38;

// The same, one number after the other and by another way: what the kernels are held against.

function plain(codec: Codec, values: Float32Array): Float32Array {
  return codec === "int8" ? plainInt8(values) : values.map(codec === "bf16" ? plainBf16 : plainFp16);
}

function flushed(value: number): number {
  return Math.abs(value) < smallestNormal ? 0 : value;
}

function plainBf16(value: number): number {
  if (!Number.isFinite(value)) return value;
  const exponent = Math.floor(Math.log2(Math.abs(flushed(value)) || 1));
  const place = 2 ** (exponent - 7);
  const near = evenNear(flushed(value) / place) * place;
  const largest = 2 ** 127 * (2 - 2 ** -7);
  return Math.min(Math.max(near, -largest), largest);
}

function plainFp16(value: number): number {
  if (!Number.isFinite(value)) return value;
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(flushed(value)) || 1e-30)));
  const place = 2 ** (exponent - 10);
  const near = evenNear(flushed(value) / place) * place;
  return Math.min(Math.max(near, -65504), 65504);
}

function evenNear(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

function plainInt8(values: Float32Array): Float32Array {
  const out = new Float32Array(values.length);
  for (let from = 0; from < values.length; from += codecBlockNumbers) {
    const block = values.subarray(from, from + codecBlockNumbers);
    const largest = block.reduce((so, value) => Math.max(so, Math.abs(flushed(value))), 0);
    if (!Number.isFinite(largest)) out.fill(Number.NaN, from, from + block.length);
    else {
      const quotient = new Float32Array([largest / 127]);
      const bits = new Uint32Array(quotient.buffer);
      bits[0] = (bits[0] as number) & 0xffffff00;
      const scale = flushed(quotient[0] as number);
      const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
      for (const [place, value] of block.entries())
        out[from + place] = evenNear(Math.fround(flushed(value) * inverse)) * scale + 0;
    }
  }
  return out;
}

const anyFloat = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ min: -2, max: 2, noNaN: true }),
  fc.constantFrom(
    0,
    -0,
    1e-45,
    -1e-39,
    65504,
    65519,
    65520,
    1e30,
    3.4e38,
    -3.4028234663852886e38,
    2 ** -24,
    2 ** -25,
    6.2e-5,
  ),
);
const vector = fc
  .array(anyFloat, { minLength: 1, maxLength: 600 })
  .map((values) => Float32Array.from(values));
const normalVector = fc
  .tuple(
    fc.integer({ min: 1, max: 1500 }),
    fc.integer(),
    fc.float({ min: Math.fround(1e-8), max: 100, noNaN: true }),
  )
  .map(([n, seed, std]) => {
    arithmetic.fillNormal(source, n, randomKey(seed, "codec"), 0, 0, std);
    return arithmetic.f32(source, n).slice();
  });

describe.each(codecs)("%s", (codec) => {
  test("takes the bytes that it says, for any length", () => {
    for (const n of [0, 1, 3, 255, 256, 257, 511, 1500]) {
      arithmetic.u8(encoded, most * 4).fill(0xaa);
      arithmetic.fillNormal(source, n, randomKey(1, "n"), 0, 0, 1);
      arithmetic.encode(codec, encoded, source, n);
      const bytes = arithmetic.u8(encoded, most * 4);
      expect(bytes.subarray(encodedBytes(codec, n)).every((byte) => byte === 0xaa)).toBe(true);
    }
  });

  test("is what arithmetic on single numbers gives", () => {
    fc.assert(
      fc.property(fc.oneof(vector, normalVector), (values) => {
        const [found, expected] = [rounded(codec, values), plain(codec, values)];
        // Zeros of both signs are one number to the reference.
        for (const [place, value] of expected.entries())
          if (found[place] !== value && !(Number.isNaN(value) && Number.isNaN(found[place])))
            throw new Error(`number ${place}: ${values[place]} becomes ${found[place]}, not ${value}`);
      }),
    );
  });

  test("rounds to what is decoded, and what is decoded encodes to the same bytes", () => {
    fc.assert(
      fc.property(fc.oneof(vector, normalVector), (values) => {
        const bytes = encode(codec, values);
        const once = decode(codec, bytes, values.length);
        expect(bitsOf(rounded(codec, values))).toEqual(bitsOf(once));
        expect(encode(codec, once)).toEqual(bytes);
        expect(bitsOf(rounded(codec, once))).toEqual(bitsOf(once));
      }),
    );
  });

  test("keeps finite numbers finite, and shows what is not", () => {
    fc.assert(
      fc.property(vector, fc.nat(), fc.constantFrom(Number.NaN, Infinity, -Infinity), (values, at, odd) => {
        expect(rounded(codec, values).every(Number.isFinite)).toBe(true);
        values[at % values.length] = odd;
        const back = decode(codec, encode(codec, values), values.length);
        expect(Number.isFinite(back[at % values.length])).toBe(false);
        expect(Number.isFinite(rounded(codec, values)[at % values.length])).toBe(false);
      }),
    );
  });

  test("errs by no more than half of a last place", () => {
    fc.assert(
      fc.property(normalVector, (values) => {
        const back = rounded(codec, values);
        for (const [place, value] of values.entries()) {
          const from = Math.floor(place / codecBlockNumbers) * codecBlockNumbers;
          const block = values.subarray(from, from + codecBlockNumbers);
          const largest = block.reduce((so, one) => Math.max(so, Math.abs(one)), 0);
          const allowed =
            codec === "int8"
              ? (largest / 127) * 0.5001
              : codec === "bf16"
                ? Math.abs(value) * 2 ** -8
                : Math.max(Math.abs(value) * 2 ** -11, 2 ** -25);
          expect(Math.abs((back[place] as number) - value)).toBeLessThanOrEqual(allowed);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("gives a part of whole blocks the bytes that it has in the whole", () => {
    const values = new Float32Array(most).map((_, place) => Math.fround(((place * 37) % 101) / 7 - 5));
    const whole = encode(codec, values.subarray(0, 1024));
    const part = encode(codec, values.subarray(512, 1024));
    expect(whole.subarray(encodedBytes(codec, 512))).toEqual(part);
  });
});

describe("to the byte", () => {
  const values = [
    0,
    -0,
    1,
    -1,
    0.1,
    1.00390625,
    1.01171875,
    65504,
    70000,
    3.4028234663852886e38,
    1e-45,
    6e-8,
    2 ** -14,
    -(2 ** -15),
    Infinity,
    -Infinity,
  ];

  test("bf16: the upper half of float32, little-endian", () => {
    expect(hex(encode("bf16", values))).toBe(
      "00000080803f80bfcd3d803f823f804789477f7f00008133803800b8807f80ff",
    );
  });

  test("fp16: binary16, little-endian", () => {
    expect(hex(encode("fp16", values))).toBe(
      "00000080003c00bc662e043c0c3cff7bff7bff7b0000010000040082007c00fc",
    );
  });

  test("int8: the scale of each 256 numbers, then a byte each", () => {
    expect(hex(encode("int8", [127, -127, 1, 0.5, 1.5, -0.4, 0, 63.5]))).toBe(
      "0000803f" + "7f81010002000040",
    );
    expect(hex(encode("int8", [0, 1, Infinity]))).toBe("0000c07f" + "000000");
    expect(hex(encode("int8", [1e-37, -1e-38]))).toBe("00000000" + "0000");
  });

  test.each([
    ["bf16", "6650d2a739cfe3db"],
    ["fp16", "ad115459f2aa4424"],
    ["int8", "f00c429ef4778430"],
  ] as const)("%s of 2,900 normal draws", (codec, golden) => {
    arithmetic.fillNormal(source, 2900, randomKey(7, "golden"), 5, 0, 0.02);
    const bytes = encode(codec, arithmetic.f32(source, 2900).slice());
    expect(createHash("sha256").update(bytes).digest("hex").slice(0, 16)).toBe(golden);
  });
});
