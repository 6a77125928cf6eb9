import { loadArithmetic } from "@latentweave/arithmetic";
import { describe, expect, it } from "vitest";
import { float32Values, PayloadLengthError } from "./value-store.ts";

describe("numbers that are taken in", () => {
  const numbers = 2_000_000;
  const bytes = new Uint8Array(Float32Array.from({ length: numbers }, (_, i) => i).buffer);

  it("are a copy", () => {
    const arithmetic = loadArithmetic();
    const values = float32Values(arithmetic, numbers);
    const pointer = values.take(bytes);
    expect(Buffer.compare(arithmetic.u8(pointer, bytes.length), bytes)).toBe(0);
  });

  it("are refused, not read as others, where they lay in this very memory and it has grown on their account", () => {
    const arithmetic = loadArithmetic();
    const values = float32Values(arithmetic, numbers);
    const pointer = arithmetic.allocate(bytes.length);
    arithmetic.u8(pointer, bytes.length).set(bytes);
    const view = arithmetic.u8(pointer, bytes.length);
    expect(() => values.take(view)).toThrow(PayloadLengthError);
    expect(view).toHaveLength(0);
  });
});
