import { loadArithmetic } from "@latentweave/arithmetic";
import { describe, expect, it } from "vitest";
import { ForeignNodeError, IncompleteReductionError } from "../reducer.ts";
import { float32Values } from "../value-store.ts";
import { createSliceValues } from "./slice-values.ts";

const arithmetic = loadArithmetic();
const bytes = (...numbers: number[]): Uint8Array => new Uint8Array(Float32Array.from(numbers).buffer);
const numbersAt = (pointer: number): number[] => [...arithmetic.f32(pointer, 2)];
const slot = (index: number) => ({ level: 0, index });

function of(kind: "median" | "centred-clipping") {
  const rule = kind === "median" ? ({ kind } as const) : ({ kind, radius: null, iterations: 1 } as const);
  const values = float32Values(arithmetic, 2);
  return createSliceValues({ arithmetic, rule, slots: 3, numbers: 2, values });
}

describe("contributions that stay apart", () => {
  it("come in any order, once each, and are none the less in the order of slots", () => {
    const held = of("centred-clipping");
    expect(held.accept(slot(2), bytes(5, 6))).toBe("accepted");
    expect(held.accept(slot(0), bytes(1, 2))).toBe("accepted");
    expect(held.accept(slot(2), bytes(7, 8))).toBe("duplicate");
    expect(held.isComplete()).toBe(false);
    expect(() => held.all()).toThrow(IncompleteReductionError);
    held.accept(slot(1), bytes(3, 4));
    expect(held.all().map(numbersAt)).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(held.heldNodes().map(({ node }) => node.index)).toEqual([0, 1, 2]);
    expect(held.dropped.duplicates).toBe(1);
    expect(() => held.result()).toThrow("no sum");
  });

  it("are three times their median, where that is the rule, and are forgotten after the step", () => {
    const held = of("median");
    for (const [index, value] of [4, -1, 2].entries()) held.accept(slot(index), bytes(value, -value));
    expect(numbersAt(held.result())).toEqual([6, -6]);
    expect(held.result()).toBe(held.result());
    held.reset();
    expect(held.isComplete()).toBe(false);
    expect(held.heldNodes()).toEqual([]);
  });

  it("are never sums of several", () => {
    expect(() => of("median").accept({ level: 1, index: 0 }, bytes(1, 2))).toThrow(ForeignNodeError);
    expect(() => of("median").accept(slot(3), bytes(1, 2))).toThrow(ForeignNodeError);
  });
});
