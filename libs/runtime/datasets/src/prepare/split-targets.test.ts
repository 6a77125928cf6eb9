import { describe, expect, it } from "vitest";
import { describeTargets, labelWarnings, splitTargets } from "./split-targets.ts";

const y = { kind: "class", dtype: "int32", classes: 3, names: ["a", "b", "c"] } as const;
const target = { ...y, names: [...y.names] };
const rows = {
  train: Uint32Array.of(3, 0, 4),
  validation: Uint32Array.of(),
  test: Uint32Array.of(1, 2),
};
const train = { rows: 5, x: new Float32Array(5), y: Int32Array.of(0, 2, -1, 1, 0) };

describe("targets of a split", () => {
  it("are those of its rows, in their order", () => {
    expect(splitTargets({ train, test: undefined, y: target }, rows, undefined)).toEqual({
      ...{ train: Int32Array.of(1, 0, 0), validation: Int32Array.of(), test: Int32Array.of(2, -1) },
    });
  });

  it("are hidden from the training rows behind so many, and from no others", () => {
    const { train: kept, test } = splitTargets({ train, test: undefined, y: target }, rows, 1);
    expect(kept).toEqual(Int32Array.of(1, -1, -1));
    expect(test).toEqual(Int32Array.of(2, -1));
    const numbers = { rows: 5, x: train.x, y: Float32Array.from({ length: 10 }, (_, at) => at) };
    const of = { kind: "number", dtype: "float32", width: 2 } as const;
    expect(splitTargets({ train: numbers, test: undefined, y: of }, rows, 2).train).toEqual(
      Float32Array.of(6, 7, 0, 1, NaN, NaN),
    );
  });

  it("say which classes no training row has, and how many are missing, and nothing where there is nothing to say", () => {
    const dealt = splitTargets({ train, test: undefined, y: target }, rows, undefined);
    const found = describeTargets(target, dealt);
    expect(found).toEqual({
      ...target,
      absent: ["c"],
      unlabelled: { train: 0, validation: 0, test: 1 },
    });
    const split = { rows: 3, bytes: 0, shards: [] };
    const manifest = { y: found, splits: { train: split, validation: split, test: split } };
    expect(labelWarnings(manifest as never)[0]).toContain('no training row has the class "c"');
    const whole = { train: Int32Array.of(0, 1, 2), validation: undefined, test: Int32Array.of(1) };
    expect(describeTargets(target, whole)).toEqual(target);
    expect(labelWarnings({ ...manifest, y: target } as never)).toEqual([]);
  });

  it("of several labels are absent where none is ever there", () => {
    const labels = { kind: "labels" as const, dtype: "float32" as const, width: 2, names: ["red", "round"] };
    const given = { train: Float32Array.of(1, 0, NaN, NaN), validation: undefined, test: undefined };
    expect(describeTargets(labels, given)).toEqual({
      ...labels,
      absent: ["round"],
      unlabelled: { train: 2, validation: 0, test: 0 },
    });
  });
});
