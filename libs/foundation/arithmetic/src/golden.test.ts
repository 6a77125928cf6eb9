import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { loadArithmetic } from "./arithmetic.ts";
import { randomKey } from "./key.ts";
import { permute } from "./permutation.ts";

/**
 * Hashes of whole ranges of results, recorded once. They hold on every supported Node version, processor and
 * operating system; if one moves, every recorded run's bits have moved, and that needs a decision, not a new hash.
 */
const goldenFunctions = {
  exp: "49591c6e191b64cc",
  log: "3041f3d3d3e088aa",
  sin: "17b1bc3214741ff6",
  cos: "716c06f0ad6b403c",
  tanh: "1f21ef0c5f2e44df",
};

const arithmetic = loadArithmetic();
const n = 10_000;

const digest = (values: ArrayBufferView): string =>
  createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex")
    .slice(0, 16);

/** Inputs with full mantissas, made of exact operations only. */
const inputs = Float64Array.from({ length: n }, (_, i) => (i - n / 2) / 613 + 1 / 3);

function drawn(fill: (pointer: number) => void): string {
  const pointer = arithmetic.allocate(n * 4);
  fill(pointer);
  const hash = digest(arithmetic.f32(pointer, n));
  arithmetic.free(pointer, n * 4);
  return hash;
}

describe("the same bits everywhere", () => {
  test.each(Object.entries(goldenFunctions) as [keyof typeof goldenFunctions, string][])(
    "%s",
    (name, golden) => {
      const xs = name === "log" ? inputs.map(Math.abs) : inputs;
      expect(digest(xs.map((x) => arithmetic[name](x)))).toBe(golden);
    },
  );

  test("pow", () => {
    expect(digest(inputs.map((x) => arithmetic.pow(Math.abs(x), 1 / 3)))).toBe("85f22ffddc66b5ba");
  });

  const key = randomKey(7, "golden");

  test("keys", () => {
    expect(key).toEqual({ low: 3130822055, high: 543082818 });
  });

  test("uniform draws", () => {
    expect(drawn((p) => arithmetic.fillUniform(p, n, key, 5, -0.3, 0.7))).toBe("c0487d00331ded80");
  });

  test("normal draws", () => {
    expect(drawn((p) => arithmetic.fillNormal(p, n, key, 5, 0, 0.02))).toBe("c6bff3e531f86ff4");
  });

  test("masks", () => {
    expect(drawn((p) => arithmetic.fillBernoulliMask(p, n, key, 5, 0.9, 1 / 0.9))).toBe("c43bb014080aae71");
  });

  test("permutations", () => {
    const order = Float64Array.from({ length: n }, (_, i) => permute(i, n, key));
    expect(digest(order)).toBe("072caa55a3e40916");
  });

  test("fifty steps of adam", () => {
    const [p, g, m, v] = [0, 1, 2, 3].map(() => arithmetic.allocate(n * 4)) as [
      number,
      number,
      number,
      number,
    ];
    arithmetic.fillNormal(p, n, key, 0, 0, 1);
    arithmetic.fill(m, 0, n);
    arithmetic.fill(v, 0, n);
    let beta1Power = 1;
    let beta2Power = 1;
    for (let step = 0; step < 50; step++) {
      arithmetic.fillNormal(g, n, key, (step + 1) * n, 0, 1);
      arithmetic.accumulate(g, p, 0.1, n);
      beta1Power *= 0.9;
      beta2Power *= 0.999;
      arithmetic.adam(
        { params: p, next: p, gradient: g, m, v, nextM: m, nextV: v, n, gradientScale: 1, l2: 0 },
        {
          ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0 },
          ...{ stepSize: 0.01 / (1 - beta1Power), rootScale: 1 / Math.sqrt(1 - beta2Power) },
        },
      );
    }
    expect(digest(arithmetic.f32(p, n))).toBe("f88318ddd47053e0");
    expect(arithmetic.dot(p, g, n)).toBe(939.2644463437006);
  });
});
