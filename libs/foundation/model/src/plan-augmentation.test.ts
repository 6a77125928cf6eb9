import { describe, expect, it } from "vitest";
import type { AugmentSpec } from "./augmentation.ts";
import type { DataShape, ModelDescription, TaskDescription } from "./description.ts";
import { type ResolvedModel, resolveModel } from "./resolve-model.ts";

const flip: AugmentSpec = { kind: "flip", axis: "horizontal", rate: 0.5 };
const jitter: AugmentSpec = { kind: "jitter", deviation: 0.1 };
const images: DataShape = {
  ...{ inputShape: [4, 3, 1], columns: [] },
  levels: { black: 0, range: [0, 1] },
};
const rows: DataShape = { inputShape: [12], columns: [] };

function resolve(
  task: Partial<TaskDescription>,
  shape: DataShape = images,
  more: Partial<ModelDescription> = {},
): ResolvedModel {
  const whole: TaskDescription = {
    input: [12],
    encoder: [{ kind: "dense", units: 5 }],
    decoder: [{ kind: "dense", units: 12 }],
    reconstruction: { loss: "mse", weight: 1 },
    heads: {},
    ...task,
  };
  return resolveModel(
    {
      tasks: { one: whole, two: { ...whole, augment: [] } },
      model: { kind: "private" },
      regulariser: { omega: "none", on: "encoder" },
      ...more,
    },
    { one: shape, two: shape },
  );
}

const planOf = (...given: Parameters<typeof resolve>) => resolve(...given).phases[0]?.tasks[0]?.augment;

describe("how a task's training samples are changed", () => {
  it("is nothing, not even a field, where the job says nothing", () => {
    const [one, two] = resolve({}).phases[0]?.tasks ?? [];
    expect(one).not.toHaveProperty("augment");
    expect(two).not.toHaveProperty("augment");
  });

  it("knows the data's images however flat the encoder takes them, and those that only the input says", () => {
    expect(planOf({ augment: [flip] })).toEqual({
      ...{ changes: [flip], image: [4, 3, 1], black: 0, range: [0, 1], categories: [] },
    });
    const flat = { ...images, inputShape: [12] };
    const shaped = { input: [3, 4, 1], encoder: [], reconstruction: false, decoder: [] } as const;
    expect(planOf({ augment: [flip], ...shaped }, flat)?.image).toEqual([3, 4, 1]);
  });

  it("keeps between 0 and 1 what is compared as probabilities, black too", () => {
    const levels = { black: -0.5, range: null };
    const given = { ...images, levels };
    expect(planOf({ augment: [flip] }, given)).toMatchObject({ black: -0.5, range: null });
    const reconstruction = { loss: "bce", weight: 1 } as const;
    const decoder = [{ kind: "dense", units: 12, activation: "sigmoid" }] as const;
    expect(planOf({ augment: [flip], reconstruction, decoder }, given)).toMatchObject({
      ...{ black: 0, range: [0, 1] },
    });
    const drawn = { reconstruction: false, decoder: [], binarise: true } as const;
    expect(planOf({ augment: [flip], ...drawn }, given)?.range).toEqual([0, 1]);
  });

  it("is of the task alone, in both phases of a bank, and of its baseline as well", () => {
    const bank = resolve({ augment: [flip] }, images, { model: { kind: "bank", activation: "linear" } });
    expect(bank.phases.map(({ tasks }) => tasks.map(({ augment }) => augment?.changes.length))).toEqual([
      [1, undefined],
      [1, undefined],
    ]);
    const model = {
      kind: "shared",
      trunk: [],
      latent: { units: 2, activation: "linear" },
      trunkDecoder: [],
    } as const;
    const guarded = resolve({ augment: [flip] }, images, { model, guard: {} });
    expect(guarded.phases[0]?.tasks.map(({ task, augment }) => [task, augment?.changes.length])).toEqual([
      ["one", 1],
      ["two", undefined],
      ["one-alone", 1],
      ["two-alone", undefined],
    ]);
  });

  it("is refused for images where there are none, and where every pixel has a scale of its own", () => {
    expect(() => resolve({ augment: [jitter, flip] }, rows)).toThrow(
      /tasks\.one\.augment\[1\][^]*"flip" is of images[^]*\[12\][^]*reshape/,
    );
    const input = { input: [4, 3, 1], encoder: [{ kind: "flatten" }] } as const;
    expect(() => resolve({ augment: [flip], ...input }, rows)).toThrow(/scaled by itself[^]*reshape/);
  });

  it("is refused where it could leave nothing of an image", () => {
    expect(() => resolve({ augment: [{ kind: "shift", pixels: 3 }] })).toThrow(
      /augment\[0\]\.pixels[^]*less than 3/,
    );
    expect(() => resolve({ augment: [{ kind: "cutout", size: 4, rate: 1 }] })).toThrow(
      /augment\[0\]\.size[^]*at most 3/,
    );
    expect(planOf({ augment: [{ kind: "shift", pixels: 2 }] })?.changes).toHaveLength(1);
    expect(planOf({ augment: [{ kind: "cutout", size: 3, rate: 1 }] })?.changes).toHaveLength(1);
  });

  it("of rows needs no image, and knows which numbers are categories", () => {
    const categories = [{ start: 2, width: 3 }];
    expect(planOf({ augment: [jitter] }, { ...rows, categories })).toEqual({
      ...{ changes: [jitter], image: null, black: 0, range: null, categories },
    });
  });
});
