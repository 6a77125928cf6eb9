import { describe, expect, it } from "vitest";
import type { ArrayData } from "../formats/array-data.ts";
import { classTargets, labelTargets, numberTargets } from "./load-targets.ts";

const ints = (...values: number[]): { array: ArrayData; where: string } => ({
  where: "y.npy",
  array: { shape: [values.length], values: { dtype: "int32", data: Int32Array.from(values) } },
});
const floats = (width: number, ...values: number[]): { array: ArrayData; where: string } => ({
  where: "y.npy",
  array: {
    shape: [values.length / width, width],
    values: { dtype: "float32", data: Float32Array.from(values) },
  },
});

function problem(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
}

describe("labels of an array", () => {
  it("are numbered by value, and those declared missing by none", () => {
    expect(classTargets([ints(7, -1, 3, 7)], { unlabelled: -1 })).toEqual({
      target: { kind: "class", dtype: "int32", classes: 2, names: ["3", "7"] },
      values: [Int32Array.of(1, -1, 0, 1)],
    });
    // A label of its own, where nobody says that it is none.
    expect(classTargets([ints(-1, 1)]).target).toMatchObject({ names: ["-1", "1"] });
    expect(classTargets([floats(1, 2, NaN)], { unlabelled: true }).values[0]).toEqual(Int32Array.of(0, -1));
    expect(problem(() => classTargets([floats(1, 2, NaN)]))).toContain("set unlabelled: true");
    expect(problem(() => classTargets([ints(-1, -1)], { unlabelled: -1 }))).toContain("no row has a label");
  });

  it("stay what they are where the classes are declared, and no other is taken", () => {
    const { target, values } = classTargets([ints(9, 2)], { classes: 10 });
    expect(values[0]).toEqual(Int32Array.of(9, 2));
    expect(target).toMatchObject({ classes: 10, names: Array.from({ length: 10 }, (_, i) => String(i)) });
    for (const label of [10, -1, 255])
      expect(problem(() => classTargets([ints(0, label)], { classes: 10 }))).toMatch(
        new RegExp(`row 1 .*the label ${label} is none of the 10 classes\\n +expected: 0 to 9`),
      );
  });

  it("of several at once are zeros and ones", () => {
    expect(labelTargets([floats(2, 1, 0, NaN, 1)], true)).toEqual({
      target: { kind: "labels", dtype: "float32", width: 2, names: ["0", "1"] },
      values: [Float32Array.of(1, 0, NaN, 1)],
    });
    expect(labelTargets([floats(2, 1, 0, -1, 1)], -1).values[0]).toEqual(Float32Array.of(1, 0, NaN, 1));
    expect(problem(() => labelTargets([floats(2, 1, 0, 0.5, 1)]))).toMatch(/row 1, column 0 .*holds 0\.5/);
    expect(problem(() => labelTargets([floats(2, 1, 0, NaN, 1)]))).toContain("set unlabelled: true");
  });
});

describe("numbers of an array", () => {
  it("may be missing where that is declared, and may be nothing else than finite", () => {
    expect(numberTargets([floats(2, 1, NaN, 3, 4)], true).values[0]).toEqual(Float32Array.of(1, NaN, 3, 4));
    expect(numberTargets([floats(1, 1, -99)], -99).values[0]).toEqual(Float32Array.of(1, NaN));
    expect(problem(() => numberTargets([floats(1, 1, NaN)]))).toContain("holds NaN");
    expect(problem(() => numberTargets([floats(1, 1, NaN, Infinity)], true))).toContain("holds Infinity");
  });
});
