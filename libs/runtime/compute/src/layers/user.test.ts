import type { Compute, UserLayer } from "@latentweave/model";
import { describe, expect, it } from "vitest";
import { cpuComputes } from "../testing/cpu-computes.ts";
import { bytes } from "../testing/determinism-suite.ts";
import { someBatch } from "../testing/keyed.ts";
import { inputNumbers, userModel } from "../testing/models.ts";
import { importUserModule } from "./user-module.ts";

const { start: startModel } = cpuComputes();

/** A module with one layer `mine` that scales its input per feature; `body` may use everything in `context`. */
function moduleText(body: string): string {
  return `export const layers = {
    mine: {
      outputShape: (shape) => shape,
      parameters: (shape) => [{ role: "gain", shape }],
      apply: (context) => {
        const { tf, input, parameters, random, training } = context;
        ${body}
      },
    },
  };`;
}

async function start(body: string): Promise<Compute> {
  const text = moduleText(body);
  const { mine } = (await importUserModule(text)).layers;
  return startModel(userModel(text, "mine", mine as UserLayer));
}

const batch = (step = 5): ReturnType<typeof someBatch> =>
  someBatch({ task: "one", samples: 4, step }, inputNumbers);

describe("a layer of the job's own module", () => {
  it("computes and is trained like any other", async () => {
    const compute = await start("return tf.mul(input, parameters.gain);");
    const { x } = batch();
    const latent = await compute.infer({ phase: 0, task: "one", output: "latent", samples: 4, x });
    const { gradients } = await compute.run(batch());
    expect(latent).toHaveLength(4 * inputNumbers);
    expect(latent[3]).not.toBe(x[3]);
    for (const gradient of gradients) expect(gradient.some((value) => value !== 0)).toBe(true);
  });

  it("draws keyed numbers: the same for the same step, others for another", async () => {
    const compute = await start(
      "return training ? tf.mul(tf.mul(input, parameters.gain), random(input.shape, 0)) : input;",
    );
    const first = bytes(await compute.run(batch()));
    expect(bytes(await compute.run(batch(6)))).not.toBe(first);
    expect(bytes(await compute.run(batch()))).toBe(first);
  });

  for (const [source, body] of [
    ["Math.random", "return tf.mul(tf.mul(input, parameters.gain), Math.random());"],
    ["Date.now", "return tf.mul(tf.mul(input, parameters.gain), Date.now());"],
    ["new Date()", "return tf.mul(tf.mul(input, parameters.gain), new Date().getTime());"],
    ["performance.now", "return tf.mul(tf.mul(input, parameters.gain), performance.now());"],
    ["crypto.getRandomValues", "crypto.getRandomValues(new Uint8Array(1)); return input;"],
    [
      "tf.randomNormal",
      "return tf.add(tf.mul(input, parameters.gain), tf.randomNormal(input.shape, 0, 1, 'float32', 7));",
    ],
    [
      "tf.randomUniform without a seed",
      "return tf.mul(tf.mul(input, parameters.gain), tf.randomUniform(input.shape));",
    ],
    ["tf.dropout without a seed", "return tf.dropout(tf.mul(input, parameters.gain), 0.5);"],
    [
      "Math.random",
      "return tf.customGrad((x) => ({ value: tf.mul(x, 2), gradFunc: (dy) => tf.mul(dy, Math.random()) }))(tf.mul(input, parameters.gain));",
    ],
  ] as const)
    it(`is refused for ${source} in \`${body.slice(0, 60)}…\`, and the clock works again afterwards`, async () => {
      const compute = await start(body);
      await expect(compute.run(batch())).rejects.toThrow(`a layer of the job calls ${source}, which`);
      expect(Math.random()).toBeLessThan(1);
      expect(new Date().getTime()).toBeLessThanOrEqual(Date.now());
    });

  it("may draw with a seed of its own", async () => {
    const compute = await start(
      "return tf.mul(tf.mul(input, parameters.gain), tf.randomUniform(input.shape, 0, 1, 'float32', 7));",
    );
    expect(bytes(await compute.run(batch()))).toBe(bytes(await compute.run(batch())));
  });

  it("is named when it gives another shape than it promised, or no tensor", async () => {
    const wrong = await start("return tf.concat([input, input], 1);");
    await expect(wrong.run(batch())).rejects.toThrow(
      /layer "one\/encoder\/0": it gives values of shape \[24\] where the model says \[12\]/,
    );
    const none = await start("return 3;");
    await expect(none.run(batch())).rejects.toThrow(/must return a tensor/);
  });

  it("is refused when the module does not load or exports no layers", async () => {
    await expect(importUserModule("export const layers = {")).rejects.toThrow(/does not load: /);
    await expect(importUserModule("export const other = 1;")).rejects.toThrow(
      /must export a record named `layers`/,
    );
    await expect(importUserModule("export const layers = { a: {} };")).rejects.toThrow(
      /layer "a" .* no function apply/,
    );
  });

  it("is refused by the name of what is wrong where its losses are no record, or one is not whole", async () => {
    const withLosses = (losses: string) =>
      importUserModule(`export const layers = {}; export const losses = ${losses};`);
    await expect(withLosses("3")).rejects.toThrow("must export a record named `losses`");
    await expect(withLosses("{ a: {} }")).rejects.toThrow(/loss "a" .* no function apply/);
  });
});
