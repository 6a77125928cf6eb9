import type { Compute, ComputeModel } from "@latentweave/model";
import { beforeAll, describe, expect, it } from "vitest";
import { loadBackend } from "../backend/load-backend.ts";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { determinismSuite } from "../testing/determinism-suite.ts";
import { someBatch, someParameters } from "../testing/keyed.ts";
import { layerSuite } from "../testing/layer-suite.ts";
import { sharingSuite } from "../testing/sharing-suite.ts";
import { bankModel, convolutionalModel, inputNumbers, sharedModel } from "../testing/models.ts";
import { nativeBackend } from "../testing/native.ts";
import { createInlineCompute } from "./inline-compute.ts";

let native: LoadedBackend;
beforeAll(async () => {
  native = await nativeBackend();
});

layerSuite(() => native);
sharingSuite(() => native);
determinismSuite(() => native);

describe("native TensorFlow and the plain CPU backend", () => {
  it("agree on gradients and metrics to float32's accuracy", async () => {
    const cpu = await loadBackend({ name: "cpu" });
    const start = async (backend: LoadedBackend, model: ComputeModel): Promise<Compute> => {
      const compute = createInlineCompute(backend);
      await compute.load(model);
      await compute.setParameters(someParameters(model));
      return compute;
    };
    for (const [model, numbers] of [
      [sharedModel(), inputNumbers],
      [bankModel(), inputNumbers],
      [convolutionalModel(), 64],
    ] as const)
      for (const phase of model.phases.keys())
        for (const program of ["gradient", "evaluate"] as const) {
          const batch = someBatch({ task: "one", phase, program, samples: 5 }, numbers);
          const [ours, theirs] = await Promise.all(
            [native, cpu].map(async (backend) => {
              const compute = await start(backend, model);
              const result = await compute.run(batch);
              await compute.close();
              return [...result.gradients, result.metrics];
            }),
          );
          ours?.forEach((values, index) =>
            values.forEach((value, i) => {
              const other = theirs?.[index]?.[i] ?? NaN;
              expect(Math.abs(value - other)).toBeLessThan(2e-5 * Math.max(1, Math.abs(other)));
            }),
          );
        }
  });
});
