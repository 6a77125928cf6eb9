import type { PreparedManifest } from "@latentweave/protocol";
import { describe, expect, it } from "vitest";
import { shapeOf } from "./data-shape.ts";

function manifest(more: Partial<PreparedManifest>): PreparedManifest {
  const split = (rows: number) => ({ rows, bytes: 0, shards: [] });
  return {
    ...{ format: "latentweave-prepared", version: 1, dataHash: "" },
    x: { dtype: "float32", shape: [3], width: 3 },
    y: null,
    preprocessing: { scale: { kind: "none", offset: [0], divisor: [1] }, oneHot: [] },
    splits: { train: split(8), validation: split(2), test: split(4) },
    ...more,
  };
}

describe("what a model knows of its data", () => {
  it("is the columns, and nothing more where every row has its label", () => {
    const y = { kind: "class", dtype: "int32", classes: 2, names: ["a", "b"] } as const;
    expect(shapeOf(manifest({ y: { ...y, names: [...y.names] } }), "test")).toEqual({
      inputShape: [3],
      columns: [{ name: "y", kind: "class", classes: 2 }],
      levels: { black: 0, range: null },
    });
  });

  it("is which share of the targets there is, of the training rows and of those that are evaluated", () => {
    const y = {
      ...({ kind: "number", dtype: "float32", width: 2 } as const),
      unlabelled: { train: 12, validation: 4, test: 2 },
    };
    const shareOn = (split: "test" | "validation"): unknown =>
      shapeOf(manifest({ y }), split).columns[0]?.labelled;
    expect(shareOn("test")).toEqual({ train: 0.25, evaluate: 0.75 });
    expect(shareOn("validation")).toEqual({ train: 0.25, evaluate: 0 });
  });

  it("is what black and white are after scaling, where one scale is that of all numbers of a sample", () => {
    const levelsOf = (dtype: "uint8" | "float32", offset: number[], divisor: number[]): unknown => {
      const x = { dtype, shape: [3], width: 3 };
      const scale = { kind: "standard" as const, offset, divisor };
      return shapeOf(manifest({ x, preprocessing: { scale, oneHot: [] } }), "test").levels;
    };
    expect(levelsOf("uint8", [0], [255])).toEqual({ black: 0, range: [0, 1] });
    const [black, white] = [Math.fround(-33.3 / 78.5), Math.fround((255 - 33.3) / 78.5)];
    expect(levelsOf("uint8", [33.3], [78.5])).toEqual({ black, range: [black, white] });
    expect(levelsOf("float32", [0.25], [0.5])).toEqual({ black: -0.5, range: null });
    expect(levelsOf("float32", [0, 1, 2], [1, 1, 1])).toBeUndefined();
  });

  it("is where a table's categories lie", () => {
    const x = {
      ...({ dtype: "float32", shape: [6], width: 6 } as const),
      names: ["size", "c=x", "c=y", "d=1", "d=2", "d=3"],
    };
    const oneHot = [
      { column: "c", values: ["x", "y"] },
      { column: "d", values: ["1", "2", "3"] },
    ];
    const preprocessing = { scale: { kind: "none", offset: [0], divisor: [1] }, oneHot } as const;
    const given = manifest({ x, preprocessing } as unknown as Partial<PreparedManifest>);
    expect(shapeOf(given, "test").categories).toEqual([
      { start: 1, width: 2 },
      { start: 3, width: 3 },
    ]);
  });
});
