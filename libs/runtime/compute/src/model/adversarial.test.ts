import { type ComputeModel, metricNames, type MicroBatch, type TaskGraph } from "@latentweave/model";
import { describe, expect, it } from "vitest";
import { cpuComputes } from "../testing/cpu-computes.ts";
import { bytes } from "../testing/determinism-suite.ts";
import { someBatch, someParameters } from "../testing/keyed.ts";
import { adversarial, adversarialModel, inputNumbers, privateModel } from "../testing/models.ts";

const { start } = cpuComputes();
const samples = 6;

function batch(more: Partial<MicroBatch> = {}): MicroBatch {
  return someBatch({ task: "one", samples, ...more }, inputNumbers);
}

function graphOf(model: ComputeModel): TaskGraph {
  const graph = model.phases[0]?.tasks[0];
  if (!graph) throw new Error("the fixture has a task");
  return graph;
}

/** Per sample, of the numbers that the model tells of a micro-batch. */
async function told(
  model: ComputeModel,
  more: Partial<MicroBatch>,
  values: (tensor: string) => number | undefined = () => undefined,
): Promise<Readonly<Record<string, number>>> {
  const compute = await start(model);
  await compute.setParameters(
    someParameters(model).map((slice) => {
      const group = model.layout.groups[slice.group];
      const name = group?.tensors.find(({ offset }) => offset === slice.start)?.name ?? "";
      const value = values(name);
      return value === undefined ? slice : { ...slice, values: slice.values.map(() => value) };
    }),
  );
  const { metrics } = await compute.run(batch(more));
  return Object.fromEntries(
    metricNames(graphOf(model)).map((name, index) => [name, (metrics[index] ?? NaN) / samples]),
  );
}

async function gradients(
  model: ComputeModel,
  more: Partial<MicroBatch> = {},
): Promise<Map<string, Float32Array>> {
  const compute = await start(model);
  await compute.setParameters(someParameters(model));
  const { gradients: all } = await compute.run(batch(more));
  return new Map(graphOf(model).groups.map((name, index) => [name, all[index] as Float32Array]));
}

const weighed = (weight: number): ComputeModel => privateModel({ latent: { ...adversarial, weight } });

describe("the two objectives of an adversarial latent", () => {
  it("leave each other's tensors alone: the discriminator learns the same whatever the generator's weight", async () => {
    const [none, one, five] = [
      await gradients(weighed(0)),
      await gradients(weighed(1)),
      await gradients(weighed(5)),
    ];
    const hex = (of: ReadonlyMap<string, Float32Array>): string =>
      Buffer.from((of.get("one/discriminator") as Float32Array).slice().buffer).toString("hex");
    expect(hex(one)).toBe(hex(none));
    expect(hex(five)).toBe(hex(none));
    const [at0, at1, at5] = [none, one, five].map((of) => of.get("one/encoder") as Float32Array) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    expect(at1.some((value, i) => Math.abs(value - (at0[i] as number)) > 1e-3)).toBe(true);
    at5.forEach((value, i) => {
      const slope = (at1[i] as number) - (at0[i] as number);
      expect(value).toBeCloseTo((at0[i] as number) + 5 * slope, 4);
    });
  });

  it("push nothing with weight 0: encoder and decoder learn as without a discriminator, to the bit", async () => {
    const watched = weighed(0);
    const encoder = [
      { kind: "dense", units: 8, activation: "relu" },
      { kind: "dense", units: adversarial.units },
    ] as const;
    const plain = privateModel({ encoder });
    const compute = await start(plain);
    // The same numbers in tensors of other names, which lie in the same places of their groups.
    const groupOf = (model: ComputeModel, index: number): string => model.layout.groups[index]?.name ?? "";
    await compute.setParameters(
      someParameters(watched).flatMap(({ group, ...slice }) => {
        const own = plain.layout.groups.find(({ name }) => name === groupOf(watched, group));
        return own ? [{ ...slice, group: own.index }] : [];
      }),
    );
    const expected = (await compute.run(batch())).gradients;
    const found = await gradients(watched);
    expect(graphOf(plain).groups).toEqual(["one/encoder", "one/decoder"]);
    expect([found.get("one/encoder"), found.get("one/decoder")]).toEqual(expected);
    expect(expected.every((group) => group.some((value) => value !== 0))).toBe(true);
  });
});

describe("draws of the prior", () => {
  it("are others at every step and slot while training, and for each task of a shared model", async () => {
    const model = adversarialModel();
    const compute = await start(model);
    await compute.setParameters(someParameters(model));
    const losses = async (more: Partial<MicroBatch>): Promise<number> => {
      const { metrics } = await compute.run(batch(more));
      return metrics[metricNames(graphOf(model)).indexOf("discriminator")] ?? NaN;
    };
    const all = [
      await losses({}),
      await losses({ step: 6 }),
      await losses({ slot: 3 }),
      await losses({ round: 1 }),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it("are the same at every step when measuring, and others for other rows", async () => {
    const model = adversarialModel();
    const compute = await start(model);
    await compute.setParameters(someParameters(model));
    const usual = bytes(await compute.run(batch({ program: "evaluate" })));
    expect(bytes(await compute.run(batch({ program: "evaluate", step: 99, round: 1 })))).toBe(usual);
    expect(bytes(await compute.run(batch({ program: "evaluate", slot: 7 })))).not.toBe(usual);
  });
});

describe("what is told of an adversarial latent", () => {
  it("counts the generator's loss while training, never that of the discriminator, and neither when measuring", async () => {
    const training = await told(weighed(0.5), {});
    expect(training.loss).toBeCloseTo(
      (training.reconstruction ?? NaN) + 0.5 * (training.generator ?? NaN),
      6,
    );
    const measured = await told(weighed(0.5), { program: "evaluate" });
    expect(measured.loss).toBeCloseTo(measured.reconstruction ?? NaN, 6);
    expect(measured.generator).toBeCloseTo(training.generator ?? NaN, 5);
  });

  it("of a discriminator that knows nothing is chance: log 2, 2·log 2 and half", async () => {
    const ignorant = (name: string): number | undefined => (name.includes("logit") ? 0 : undefined);
    const measured = await told(weighed(1), { program: "evaluate" }, ignorant);
    expect(measured.generator).toBeCloseTo(Math.LN2, 6);
    expect(measured.discriminator).toBeCloseTo(2 * Math.LN2, 6);
    expect(measured["discriminator.correct"]).toBe(0.5);
  });

  it.each([
    ["all for draws of the prior", 3],
    ["all for latents", -3],
  ])("of a discriminator that takes %s is its own logit, and half is right", async (_title, logit) => {
    const sure = (name: string): number | undefined =>
      name.endsWith("logit/bias") ? logit : name.endsWith("logit/kernel") ? 0 : undefined;
    const measured = await told(weighed(1), { program: "evaluate" }, sure);
    expect(measured.generator).toBeCloseTo(Math.log(1 + Math.exp(-logit)), 5);
    expect(measured.discriminator).toBeCloseTo(
      Math.log(1 + Math.exp(-logit)) + Math.log(1 + Math.exp(logit)),
      5,
    );
    expect(measured["discriminator.correct"]).toBe(0.5);
  });

  it("of a discriminator that tells them apart is an accuracy of 1, and of one that is always wrong 0", async () => {
    // Latents far out at 50 in every unit, which no draw of the prior is near; one hidden unit of a sigmoid that tells.
    const apart =
      (sign: number) =>
      (name: string): number | undefined => {
        if (name.endsWith("encoder/latent/bias")) return 50;
        if (name.endsWith("encoder/latent/kernel")) return 0;
        if (name.endsWith("discriminator/0/kernel")) return 1;
        if (name.endsWith("discriminator/0/bias")) return -75;
        if (name.endsWith("logit/kernel")) return -sign;
        return name.endsWith("logit/bias") ? 2 * sign : undefined;
      };
    const right = await told(weighed(1), { program: "evaluate" }, apart(1));
    expect(right["discriminator.correct"]).toBe(1);
    const wrong = await told(weighed(1), { program: "evaluate" }, apart(-1));
    expect(wrong["discriminator.correct"]).toBe(0);
  });
});
