import { describe, expect, test } from "vitest";
import { loadArithmetic } from "./arithmetic.ts";

const arithmetic = loadArithmetic();

/** Distance in units in the last place of `expected`. */
function ulps(actual: number, expected: number): number {
  if (Object.is(actual, expected)) return 0;
  const bits = new BigInt64Array(Float64Array.of(expected, Math.abs(expected)).buffer);
  const next = new Float64Array(BigInt64Array.of((bits[1] ?? 0n) + 1n).buffer)[0] ?? Number.NaN;
  return Math.abs(actual - expected) / (next - Math.abs(expected));
}

function spread(low: number, high: number): number[] {
  return Array.from({ length: 2001 }, (_, i) => low + ((high - low) * i) / 2000);
}

describe("functions of one float64", () => {
  // The host's functions are good to about one unit in the last place themselves, hence two.
  test.each([
    ["exp", arithmetic.exp, Math.exp, spread(-700, 700)],
    ["log", arithmetic.log, Math.log, [...spread(1e-9, 3), ...spread(1, 1e9), 5e-324, 1e308]],
    ["sin", arithmetic.sin, Math.sin, [...spread(-7, 7), ...spread(0, 1e6)]],
    ["cos", arithmetic.cos, Math.cos, [...spread(-7, 7), ...spread(0, 1e6)]],
    ["tanh", arithmetic.tanh, Math.tanh, spread(-20, 20)],
  ] as const)("%s lies within two units in the last place of the host's", (_name, own, hosts, inputs) => {
    for (const x of inputs) expect(ulps(own(x), hosts(x)), `at ${x}`).toBeLessThanOrEqual(2);
  });

  test("pow lies within two units in the last place of the host's", () => {
    for (const base of spread(0.1, 3)) {
      for (const exponent of [-7.5, -1, 0, 0.5, 1, 2, 10, 333]) {
        expect(ulps(arithmetic.pow(base, exponent), base ** exponent)).toBeLessThanOrEqual(2);
      }
    }
  });

  test("hit values that are known exactly", () => {
    expect(arithmetic.exp(0)).toBe(1);
    expect(arithmetic.exp(1)).toBe(2.718281828459045);
    expect(arithmetic.log(1)).toBe(0);
    expect(arithmetic.log(10)).toBe(2.302585092994046);
    expect(arithmetic.pow(2, 10)).toBe(1024);
    expect(arithmetic.pow(0.9, 2)).toBe(0.81);
    expect(arithmetic.cos(0)).toBe(1);
    expect(arithmetic.sin(1)).toBe(0.8414709848078965);
    expect(arithmetic.tanh(0.5)).toBe(0.46211715726000973);
  });

  test("treat infinities, zeros and impossible inputs as IEEE 754 asks", () => {
    expect(arithmetic.exp(-Infinity)).toBe(0);
    expect(arithmetic.exp(1000)).toBe(Infinity);
    expect(arithmetic.log(0)).toBe(-Infinity);
    expect(arithmetic.log(-1)).toBeNaN();
    expect(arithmetic.sin(Infinity)).toBeNaN();
    expect(arithmetic.tanh(Infinity)).toBe(1);
    expect(arithmetic.pow(-8, 1 / 3)).toBeNaN();
  });
});
