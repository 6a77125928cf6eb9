import type { Compute, ComputeModel, MicroBatch, MicroBatchResult } from "@latentweave/model";
import { afterEach, describe, expect, it } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { createInlineCompute } from "../model/inline-compute.ts";
import { someBatch, someParameters } from "./keyed.ts";
import { adversarialModel, bankModel, convolutionalModel, inputNumbers, sharedModel } from "./models.ts";

/** What every backend must do: same bits for the same call, whatever came before, and no tensor left behind. */
export function determinismSuite(backend: () => LoadedBackend): void {
  const open: Compute[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((compute) => compute.close()));
  });
  const start = async (model: ComputeModel): Promise<Compute> => {
    const compute = createInlineCompute(backend());
    open.push(compute);
    await compute.load(model);
    await compute.setParameters(someParameters(model));
    return compute;
  };
  const batch = (more: Partial<MicroBatch> = {}): MicroBatch =>
    someBatch({ task: "one", samples: 16, ...more }, inputNumbers);

  describe("the same call", () => {
    it("gives the same bits again and after other calls in between", async () => {
      const model = sharedModel();
      const compute = await start(model);
      const first = await compute.run(batch());
      await compute.run(batch({ task: "two" }));
      await compute.run(batch({ program: "evaluate" }));
      const slice = someParameters(model).slice(0, 1);
      await compute.setParameters(slice.map((each) => ({ ...each, values: each.values.map((v) => v + 1) })));
      expect(bytes(await compute.run(batch()))).not.toBe(bytes(first));
      await compute.setParameters(slice);
      expect(bytes(await compute.run(batch()))).toBe(bytes(first));
    });

    it("gives the same bits on another instance, in every phase of a bank and through convolutions", async () => {
      for (const [model, numbers] of [
        [bankModel(), inputNumbers],
        [convolutionalModel(), 64],
      ] as const)
        for (const phase of model.phases.keys()) {
          const calls = ["one", "two"].map((task) => someBatch({ task, phase, samples: 16 }, numbers));
          const results = await Promise.all(
            [await start(model), await start(model)].map(async (compute) => {
              const answers = await Promise.all(calls.map((call) => compute.run(call)));
              return answers.map(bytes);
            }),
          );
          expect(results[0]).toEqual(results[1]);
        }
    });
  });

  it("leaves as many tensors behind after many steps as after a few", async () => {
    const { tf } = backend();
    const before = tf.memory().numTensors;
    for (const [model, numbers] of [
      [sharedModel([{ kind: "dropout", rate: 0.5 }]), inputNumbers],
      [bankModel(), inputNumbers],
      [convolutionalModel(), 64],
      [adversarialModel(), inputNumbers],
    ] as const) {
      const compute = await start(model);
      const step = async (phase: number): Promise<void> => {
        await compute.setParameters(someParameters(model));
        for (const program of ["gradient", "evaluate"] as const)
          await compute.run(someBatch({ task: "one", phase, program, samples: 4 }, numbers));
        const { x } = someBatch({ task: "one", samples: 4 }, numbers);
        await compute.infer({ phase, task: "one", output: "reconstruction", samples: 4, x });
      };
      for (const phase of model.phases.keys()) {
        // What is done again and again is done in another way from the third time on, where that can be.
        for (let repetition = 0; repetition < 3; repetition += 1) await step(phase);
        const after = tf.memory().numTensors;
        for (let repetition = 0; repetition < 5; repetition += 1) await step(phase);
        expect(tf.memory().numTensors).toBe(after);
      }
      await compute.close();
      expect(tf.memory().numTensors).toBe(before);
    }
  });
}

export function bytes({ gradients, metrics }: MicroBatchResult): string {
  return [...gradients, metrics]
    .map((array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64"))
    .join("|");
}
