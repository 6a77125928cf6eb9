import { describe, expect, it } from "vitest";
import type { ModelKind } from "../description.ts";
import type { LayerSpec } from "../layers.ts";
import { type ResolvedModel, resolveModel } from "../resolve-model.ts";

const dense = (units: number): LayerSpec => ({ kind: "dense", units });
const base = { latent: { units: 2, activation: "linear" }, trunkDecoder: [] } as const;

function resolved(model: ModelKind): ResolvedModel {
  const task = {
    ...{ input: null, encoder: [dense(5)], decoder: [dense(4)], heads: {} },
    reconstruction: { loss: "mse", weight: 1 } as const,
  };
  return resolveModel(
    { tasks: { one: task, two: task }, model, regulariser: { omega: "none", on: "encoder" } },
    { one: { inputShape: [4], columns: [] }, two: { inputShape: [4], columns: [] } },
  );
}

/** Groups between encoder and decoder: `name (tasks) shapes`. */
function between(model: ModelKind): string[] {
  return resolved(model)
    .groups.filter(({ name }) => !name.endsWith("coder"))
    .map(
      ({ name, tasks, tensors }) =>
        `${name} (${tasks.join(" ")}) ${tensors.map(({ shape }) => shape.join("x")).join(" ")}`,
    );
}

describe("what tasks share is theirs together, and what is a task's own is its alone:", () => {
  it.each<[string, ModelKind, string[]]>([
    [
      "a private latent",
      { kind: "private-shared", trunk: [dense(3)], privateLatent: { units: 1, activation: "relu" }, ...base },
      ["shared/trunk (one two) 5x3 3 3x2 2", "one/private (one) 5x1 1", "two/private (two) 5x1 1"],
    ],
    [
      "gates of shared experts",
      { kind: "mmoe", experts: 2, expert: [dense(3)], gate: [], ...base },
      [
        "one/gate (one) 5x2 2",
        "shared/expert/0 (one two) 5x3 3 3x2 2",
        "shared/expert/1 (one two) 5x3 3 3x2 2",
        "two/gate (two) 5x2 2",
      ],
    ],
    [
      "experts of one's own",
      { kind: "cgc", experts: 1, ownExperts: 2, expert: [], gate: [], ...base },
      [
        "one/gate (one) 5x3 3",
        "shared/expert/0 (one two) 5x2 2",
        "one/expert/0 (one) 5x2 2",
        "one/expert/1 (one) 5x2 2",
        "two/gate (two) 5x3 3",
        "two/expert/0 (two) 5x2 2",
        "two/expert/1 (two) 5x2 2",
      ],
    ],
    [
      "stitched columns",
      { kind: "cross-stitch", column: [dense(3)], ...base },
      [
        "shared/column/one (one two) 5x3 3 3x2 2",
        "shared/column/two (one two) 5x3 3 3x2 2",
        "shared/stitch (one two) 2x2 2x2",
      ],
    ],
    [
      "embeddings",
      { kind: "film", trunk: [dense(3)], embedding: 4, ...base },
      [
        "shared/trunk (one two) 5x3 3 3x2 2",
        "one/embedding (one) 4",
        "shared/film (one two) 4x3 4x3 4x2 4x2",
        "two/embedding (two) 4",
      ],
    ],
    [
      "adapters",
      { kind: "adapters", trunk: [dense(3)], adapter: 1, ...base },
      [
        "shared/trunk (one two) 5x3 3 3x2 2",
        "one/adapter (one) 3x1 1 1x3 3 2x1 1 1x2 2",
        "two/adapter (two) 3x1 1 1x3 3 2x1 1 1x2 2",
      ],
    ],
  ])("%s", (_, model, groups) => {
    expect(between(model)).toEqual(groups);
  });

  it("a private latent widens what the decoder gets", () => {
    const { groups } = resolved({
      ...{ kind: "private-shared", trunk: [], privateLatent: { units: 3, activation: "relu" } },
      ...base,
    });
    expect(groups.find(({ name }) => name === "one/decoder")?.tensors[0]?.shape).toEqual([5, 4]);
  });

  it("a column without layers is stitched at the latent only", () => {
    expect(between({ kind: "cross-stitch", column: [], ...base }).at(-1)).toBe("shared/stitch (one two) 2x2");
  });
});
