import { describe, expect, it } from "vitest";
import type { DataShape, HeadDescription, TaskDescription } from "./description.ts";
import type { HeadTerm } from "./head-terms.ts";
import { metricNames } from "./metrics.ts";
import { type ResolvedModel, resolveModel } from "./resolve-model.ts";

const head: HeadDescription = { kind: "classification", column: "y", classes: null, layers: [], weight: 2 };

function resolve(task: Partial<TaskDescription>, shape: Partial<DataShape>): ResolvedModel {
  return resolveModel(
    {
      tasks: { one: { input: null, encoder: [], decoder: [], reconstruction: false, heads: {}, ...task } },
      model: { kind: "private" },
      regulariser: { omega: "none", on: "encoder" },
    },
    { one: { inputShape: [6], columns: [], ...shape } },
  );
}

function problem(...given: Parameters<typeof resolve>): string {
  try {
    resolve(...given);
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
}

const labels = { name: "y", kind: "labels", numbers: 4 } as const;
const decoder = [{ kind: "dense", units: 6 }] as const;
const termOf = ({ phases }: ResolvedModel): HeadTerm => phases[0]?.tasks[0]?.losses[0] as HeadTerm;

describe("a head", () => {
  it("of several labels has a logit for each, and is measured by what it finds", () => {
    const model = resolve({ heads: { tags: { ...head, kind: "multiLabel" } } }, { columns: [labels] });
    expect(termOf(model)).toMatchObject({ kind: "multiLabel", name: "tags", weight: 2, labels: 4 });
    expect(model.groups[0]?.tensors.map(({ shape }) => shape)).toEqual([[6, 4], [4]]);
    expect(metricNames(model.phases[0]?.tasks[0] as never)).toEqual([
      ...["samples", "loss", "tags"],
      ...["tags.truePositives", "tags.falsePositives", "tags.falseNegatives"],
    ]);
  });

  it("with uncertainty has a mean and a variance for each number", () => {
    const column = { name: "y", kind: "number", numbers: 3 } as const;
    const heads = { size: { ...head, kind: "regression", uncertainty: true } } as const;
    const model = resolve({ heads }, { columns: [column] });
    expect(termOf(model)).toMatchObject({ kind: "gaussian", numbers: 3, column: "y" });
    expect(model.groups[0]?.tensors[0]?.shape).toEqual([6, 6]);
    expect(metricNames(model.phases[0]?.tasks[0] as never).at(-1)).toBe("size.squaredError");
  });

  it("is told which share of its labels there is, and counts them", () => {
    const column = {
      ...({ name: "y", kind: "class", classes: 3 } as const),
      labelled: { train: 0.5, evaluate: 1 },
    };
    const model = resolve({ heads: { kind: head } }, { columns: [column] });
    expect(termOf(model).labelled).toEqual({ train: 0.5, evaluate: 1 });
    expect(metricNames(model.phases[0]?.tasks[0] as never).at(-1)).toBe("kind.labels");
    const none = { ...column, labelled: { train: 0, evaluate: 1 } };
    expect(problem({ heads: { kind: head } }, { columns: [none] })).toMatch(
      /tasks\.one\.heads\.kind: no training row has a label.*to mend:/s,
    );
  });

  it("is of the kind of its column", () => {
    expect(problem({ heads: { tags: head } }, { columns: [labels] })).toMatch(
      /cannot learn "y", which holds labels.*use a multiLabel head/s,
    );
    expect(problem({ heads: { tags: { ...head, kind: "multiLabel" } } }, {})).toContain("no column");
  });
});

describe("a reconstruction", () => {
  it("that is Gaussian learns one variance, beside the decoder", () => {
    const model = resolve({ decoder, reconstruction: { loss: "gaussian", weight: 1 } }, {});
    expect(model.groups[0]?.tensors.map(({ name }) => name)).toEqual([
      ...["one/decoder/0/kernel", "one/decoder/0/bias", "one/decoder/logVariance"],
    ]);
    expect(model.phases[0]?.tasks[0]?.losses[0]).toMatchObject({
      logVariance: { group: "one/decoder", tensor: "one/decoder/logVariance" },
    });
  });

  it("that is categorical compares logits, and shows probabilities", () => {
    const categories = [{ start: 1, width: 3 }];
    const reconstruction = { loss: "categorical", weight: 1 } as const;
    const graph = resolve({ decoder, reconstruction }, { categories }).phases[0]?.tasks[0];
    const [term] = graph?.losses ?? [];
    if (term?.kind !== "reconstruction") throw new Error("no reconstruction");
    expect(term.blocks).toEqual(categories);
    expect(graph?.nodes[term.prediction]).toMatchObject({ op: "categories", from: term.logits });
    expect(graph?.reconstruction).toBe(term.prediction);
  });

  it("that is categorical needs categories and logits", () => {
    const reconstruction = { loss: "categorical", weight: 1 } as const;
    expect(problem({ decoder, reconstruction }, {})).toMatch(
      /tasks\.one\.reconstruction\.loss: "categorical" reconstructs categories, but .*\[6\] have none/,
    );
    const ended = [{ kind: "dense", units: 6, activation: "sigmoid" }] as const;
    const categories = [{ start: 0, width: 6 }];
    expect(problem({ decoder: ended, reconstruction }, { categories })).toContain('the activation "sigmoid"');
  });
});
