import type { Compute, MicroBatch } from "@latentweave/model";
import { describe, expect, it } from "vitest";
import { createRandomSource } from "../layers/keyed-random.ts";
import { augmented, digest, planOf } from "../testing/augmenting.ts";
import { cpuComputes } from "../testing/cpu-computes.ts";
import { bytes } from "../testing/determinism-suite.ts";
import { someBatch } from "../testing/keyed.ts";
import { inputNumbers, privateModel } from "../testing/models.ts";

const { start } = cpuComputes();
const augment = [
  { kind: "flip", axis: "horizontal", rate: 0.5 },
  { kind: "rotate", degrees: 40 },
  { kind: "brightness", amount: 0.3 },
] as const;
const image = [4, 3, 1] as const;
const heads = {
  label: { kind: "classification", column: "label", classes: 3, layers: [], weight: 0.5 },
} as const;
const model = (more: Parameters<typeof privateModel>[0]) => privateModel({ heads, ...more }, image);
/** Flat for the dense encoder, whatever the data's images are. */
const flat = { input: [inputNumbers] };

function batch(more: Partial<MicroBatch> = {}): MicroBatch {
  return someBatch({ task: "one", samples: 6, ...more }, inputNumbers);
}

describe("a task whose training samples are augmented", () => {
  it("trains on the changed samples, which heads see and reconstruction compares with", async () => {
    const plain = await start(model(flat));
    const changing = await start(model({ ...flat, augment }));
    for (const at of [
      { step: 5, slot: 2 },
      { step: 6, slot: 0, round: 1 },
    ]) {
      const given = batch(at);
      const before = digest(given.x);
      const place = { seed: 9, task: "one", step: given.step, slot: given.slot, round: given.round };
      const x = augmented(planOf(augment, { image }), given.x, given.samples, place);
      expect(digest(x)).not.toBe(before);
      const changed = bytes(await changing.run(given));
      expect(changed).toBe(bytes(await plain.run({ ...given, x })));
      expect(changed).not.toBe(bytes(await plain.run(given)));
      expect(digest(given.x)).toBe(before);
    }
  });

  it("draws zeros and ones, and adds noise, after that", async () => {
    const noisy = { ...flat, binarise: true, noise: { kind: "masking", rate: 0.3 } } as const;
    const plain = await start(model(noisy));
    const changing = await start(model({ ...noisy, augment }));
    const given = batch();
    const { step, slot, round } = given;
    const x = augmented(planOf(augment, { image }), given.x, 6, { seed: 9, task: "one", step, slot, round });
    expect(bytes(await changing.run(given))).toBe(bytes(await plain.run({ ...given, x })));
  });

  it("is measured and encoded on the samples as they are", async () => {
    const plain = await start(model(flat));
    const changing = await start(model({ ...flat, augment }));
    const measured = batch({ program: "evaluate" });
    expect(bytes(await changing.run(measured))).toBe(bytes(await plain.run(measured)));
    const ask = { phase: 0, task: "one", samples: 6, x: batch().x };
    const encoded = async (compute: Compute, output: string): Promise<string> =>
      digest(await compute.infer({ ...ask, output }));
    for (const output of ["latent", "reconstruction", "label"])
      expect(await encoded(changing, output)).toBe(await encoded(plain, output));
  });

  it("says what is wrong with rows of another width before it changes any", async () => {
    const changing = await start(model({ ...flat, augment }));
    await expect(changing.run({ ...batch(), x: new Float32Array(70) })).rejects.toThrow(/72 numbers, not 70/);
  });

  it("draws other numbers than its layers, whose keys have other names", () => {
    const place = { seed: 9, step: 5, round: 0, task: "one", slot: 2 };
    const source = createRandomSource();
    const drawn = ["one/augment/0", "one/augment/1", "one/noise"].map((name) =>
      digest(source.at(place, name).uniform(64, 0)),
    );
    expect(new Set(drawn).size).toBe(3);
  });
});
