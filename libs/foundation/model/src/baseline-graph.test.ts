import { describe, expect, it } from "vitest";
import { baselineName } from "./baseline-graph.ts";
import type { ModelKind, TaskDescription } from "./description.ts";
import type { LayerSpec } from "./layers.ts";
import { type ResolvedModel, resolveModel } from "./resolve-model.ts";

const dense = (units: number): LayerSpec => ({ kind: "dense", units });
const task: TaskDescription = {
  ...{ input: null, encoder: [dense(5)], decoder: [dense(4)], heads: {} },
  reconstruction: { loss: "mse", weight: 1 },
};
const shape = { inputShape: [4], columns: [] };
const base = { latent: { units: 2, activation: "linear" }, trunkDecoder: [dense(3)] } as const;
const models: readonly ModelKind[] = [
  { kind: "shared", trunk: [dense(3), { kind: "dropout", rate: 0.5 }], ...base },
  {
    ...{ kind: "shared", trunk: [], trunkDecoder: [] },
    latent: { kind: "vectorQuantised", codes: 4, width: null, commitment: 0.25 },
  },
  {
    ...{ kind: "shared", trunk: [], trunkDecoder: [] },
    latent: { kind: "adversarial", units: 2, discriminator: [dense(3)], weight: 1 },
  },
  {
    ...{ kind: "shared", trunk: [], trunkDecoder: [] },
    latent: {
      kind: "vectorQuantised",
      codes: 4,
      width: null,
      commitment: 0.25,
      movingAverage: { decay: 0.9 },
    },
  },
  { kind: "private-shared", trunk: [dense(3)], privateLatent: { units: 1, activation: "relu" }, ...base },
  { kind: "cgc", experts: 1, ownExperts: 2, expert: [dense(3)], gate: [], ...base },
  { kind: "cross-stitch", column: [dense(3)], ...base },
  { kind: "film", trunk: [dense(3)], embedding: 2, ...base },
  { kind: "adapters", trunk: [dense(3)], adapter: 2, ...base },
];

function resolved(model: ModelKind, names: readonly string[], guard: object | null = null): ResolvedModel {
  return resolveModel(
    {
      tasks: Object.fromEntries(names.map((name) => [name, task])),
      ...{ model, regulariser: { omega: "none", on: "encoder" }, guard },
    },
    Object.fromEntries(names.map((name) => [name, shape])),
  );
}

describe("the baseline of a task", () => {
  it.each(models.map((model) => [model.kind, model] as const))(
    "is the model of a job with this task alone, drawn alike: %s",
    (_, model) => {
      const both = resolved(model, ["one", "two"], {});
      for (const name of ["one", "two"]) {
        const alone = resolved(model, [name]);
        const own = both.groups.filter(({ tasks }) => tasks.includes(baselineName(name)));
        expect(own.map(({ tasks }) => tasks)).toEqual(own.map(() => [baselineName(name)]));
        expect(
          own.map(({ tensors }) => tensors.map(({ drawnAs, ...tensor }) => ({ ...tensor, name: drawnAs }))),
        ).toEqual(alone.groups.map(({ tensors }) => tensors));

        const graph = both.phases[0]?.tasks.find((one) => one.task === baselineName(name));
        const drawnAs = new Map(own.flatMap(({ tensors }) => tensors.map((one) => [one.name, one.drawnAs])));
        const plain = JSON.stringify(graph?.nodes, (key, value: unknown) =>
          key === "tensor" ? drawnAs.get(value as string) : key === "group" ? undefined : value,
        );
        const expected = JSON.stringify(alone.phases[0]?.tasks[0]?.nodes, (key, value: unknown) =>
          key === "group" ? undefined : value,
        );
        expect(plain).toBe(expected);
        expect(graph).toMatchObject({ baselineOf: name, groups: own.map((group) => group.name) });
      }
    },
  );

  it("changes nothing about the tasks that share, which come first", () => {
    for (const model of models) {
      const plain = resolved(model, ["one", "two"]);
      const guarded = resolved(model, ["one", "two"], {});
      expect(guarded.groups.slice(0, plain.groups.length)).toEqual(plain.groups);
      expect(guarded.phases[0]?.tasks.slice(0, 2)).toEqual(plain.phases[0]?.tasks);
    }
  });
});
