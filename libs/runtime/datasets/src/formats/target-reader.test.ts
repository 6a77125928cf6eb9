import { UserError } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { type TargetData, type TargetOptions, TargetReader } from "./target-reader.ts";

function read(
  cells: readonly string[],
  options: TargetOptions,
  names: readonly string[] = ["t"],
): TargetData {
  const reader = new TargetReader("a.csv", names, options);
  for (const [at, cell] of cells.entries())
    reader.add(cell, {
      number: Number,
      problem: (what, expected, mend) =>
        new UserError({ what, expected, where: `cell ${at}`, ...(mend !== undefined && { mend }) }),
    });
  return reader.finish();
}

function problem(...given: Parameters<typeof read>): string {
  try {
    read(...given);
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
}

describe("targets of a table", () => {
  it("may be missing where that is declared: empty, NaN, or a value of their own", () => {
    expect(read(["b", "", "a", "nan"], { unlabelled: true })).toEqual({
      ...{ kind: "class", labels: Int32Array.of(1, -1, 0, -1), names: ["a", "b"] },
    });
    expect(read(["3", "-1", "", "-1.0", "5"], { unlabelled: -1 })).toEqual({
      ...{ kind: "number", values: Float32Array.of(3, NaN, NaN, NaN, 5), names: ["t"] },
    });
    expect(read(["?", "x"], { unlabelled: "?" })).toMatchObject({
      labels: Int32Array.of(-1, 0),
      names: ["x"],
    });
    expect(problem(["a", ""], {})).toContain("cell 1: the cell is empty");
    expect(problem(["", ""], { unlabelled: true })).toContain('no row has a target in the column "t"');
  });

  it("are of the classes that are declared, in their order, whether or not each is met", () => {
    expect(read(["2", "0"], { classes: 4 })).toEqual({
      ...{ kind: "class", labels: Int32Array.of(2, 0), names: ["0", "1", "2", "3"] },
    });
    expect(read(["no", "yes"], { classes: ["yes", "no", "perhaps"] })).toMatchObject({
      labels: Int32Array.of(1, 0),
    });
    for (const label of ["4", "-1", "1.5", "x"])
      expect(problem(["0", label], { classes: 4 })).toContain(
        `cell 1: the label "${label}" is none of the 4 classes`,
      );
    expect(problem(["-1"], { classes: 4 })).toContain("name it in unlabelled");
    expect(problem(["z"], { classes: ["a", "b"] })).toContain("expected: one of a, b");
  });

  it("that are labels each say whether they are there", () => {
    expect(read(["1", "0", "", "1.0"], { targetKind: "labels", unlabelled: true }, ["red", "round"])).toEqual(
      {
        ...{ kind: "labels", values: Float32Array.of(1, 0, NaN, 1), names: ["red", "round"] },
      },
    );
    expect(problem(["2"], { targetKind: "labels" })).toContain('"2" does not say whether the label is there');
    expect(problem(["1"], { targetKind: "class" }, ["a", "b"])).toContain('set targetKind: "labels"');
  });
});
