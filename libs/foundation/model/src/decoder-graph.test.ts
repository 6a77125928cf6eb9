import { describe, expect, it } from "vitest";
import { decoderGraph } from "./decoder-graph.ts";
import type { ModelKind, TaskDescription } from "./description.ts";
import type { TaskGraph } from "./graph.ts";
import type { LayerSpec } from "./layers.ts";
import { resolveModel } from "./resolve-model.ts";

const dense = (units: number): LayerSpec => ({ kind: "dense", units });
const plain: TaskDescription = {
  ...{ input: null, encoder: [dense(5)], decoder: [dense(4)], heads: {} },
  reconstruction: { loss: "mse", weight: 1 },
};
const base = { latent: { units: 2, activation: "linear" }, trunkDecoder: [dense(3)] } as const;

function graphOf(model: ModelKind, task: TaskDescription = plain): TaskGraph {
  const { phases } = resolveModel(
    { tasks: { one: task, two: task }, model, regulariser: { omega: "none", on: "encoder" } },
    { one: { inputShape: [4], columns: [] }, two: { inputShape: [4], columns: [] } },
  );
  return phases[0]?.tasks[1] as TaskGraph;
}

const shapeOf = ({ nodes }: TaskGraph): unknown => nodes.find(({ op }) => op === "input")?.shape;

describe("the way back of a task by itself", () => {
  it("begins with the latent and has the groups behind it alone", () => {
    const back = decoderGraph(graphOf({ kind: "shared", trunk: [dense(3)], ...base }));
    expect(back.groups).toEqual(["shared/trunk-decoder", "two/decoder"]);
    expect(shapeOf(back)).toEqual([2]);
    expect(back.nodes.map(({ op }) => op)).toEqual(["input", "layer", "layer"]);
    expect(back.task).toBe("two/decoder");
  });

  it.each<[string, ModelKind, number]>([
    [
      "a private latent beside the shared one",
      { kind: "private-shared", trunk: [], privateLatent: { units: 3, activation: "relu" }, ...base },
      5,
    ],
    ["a mixture of experts", { kind: "mmoe", experts: 2, expert: [], gate: [], ...base }, 2],
    ["experts of one's own", { kind: "cgc", experts: 1, ownExperts: 1, expert: [], gate: [], ...base }, 2],
    ["an embedding, which stands before the latent", { kind: "film", trunk: [], embedding: 4, ...base }, 2],
    ["adapters", { kind: "adapters", trunk: [], adapter: 2, ...base }, 2],
  ])("of a model with %s reads nothing before the latent", (_, model, numbers) => {
    const back = decoderGraph(graphOf(model));
    expect(shapeOf(back)).toEqual([numbers]);
    expect(back.groups).toEqual(["shared/trunk-decoder", "two/decoder"]);
  });

  it("of a variational latent begins in place of the draw", () => {
    const own = { units: 3, beta: 1, annealing: null, freeBits: 0, samples: 1 };
    const latent = { kind: "variational", ...own } as const;
    const back = decoderGraph(graphOf({ kind: "shared", trunk: [], trunkDecoder: [], latent }));
    expect(shapeOf(back)).toEqual([3]);
    expect(back.nodes.some(({ op }) => op === "sample" || op === "draw")).toBe(false);
  });

  it("with tied weights has the encoder's group, whose kernels it turns round", () => {
    const tied = { ...plain, tied: true };
    const model = { kind: "shared", trunk: [], ...base, trunkDecoder: [dense(5)] } as const;
    expect(decoderGraph(graphOf(model, tied)).groups).toEqual([
      "shared/trunk-decoder",
      "two/encoder",
      "two/decoder",
    ]);
  });

  it("of a task that reconstructs nothing is refused", () => {
    const graph = graphOf({ kind: "shared", trunk: [], ...base });
    expect(() => decoderGraph({ ...graph, reconstruction: undefined })).toThrow(/no way from a latent back/);
  });
});
