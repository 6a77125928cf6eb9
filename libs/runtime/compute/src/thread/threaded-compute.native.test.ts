import { beforeAll, describe, expect, it } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { canaryDigest } from "../model/canary.ts";
import { createInlineCompute } from "../model/inline-compute.ts";
import { bytes } from "../testing/determinism-suite.ts";
import { someBatch, someParameters } from "../testing/keyed.ts";
import { bankModel, convolutionalModel, inputNumbers, sharedModel } from "../testing/models.ts";
import { nativeBackend } from "../testing/native.ts";
import { createThreadedCompute } from "./threaded-compute.ts";

let native: LoadedBackend;
beforeAll(async () => {
  native = await nativeBackend();
});

describe("native TensorFlow in a thread of its own", () => {
  it("has the canary digest that it has on this thread, for every kind of model", async () => {
    const threaded = await createThreadedCompute({ backend: { name: "native" } });
    const inline = createInlineCompute(native);
    expect(threaded.determinismClass).toEqual(native.determinismClass);
    for (const model of [sharedModel(), bankModel(), convolutionalModel()])
      expect(await canaryDigest(threaded, model)).toBe(await canaryDigest(inline, model));
    await Promise.all([threaded.close(), inline.close()]);
  });

  it("computes with the newest parameters although it may use the shared memory in place", async () => {
    const model = sharedModel();
    const threaded = await createThreadedCompute({ backend: { name: "native" } });
    await threaded.load(model);
    const batch = someBatch({ task: "one", samples: 16 }, inputNumbers);
    const inline = createInlineCompute(native);
    await inline.load(model);
    for (let step = 0; step < 20; step += 1) {
      const slices = someParameters(model).map((slice) => ({
        ...slice,
        values: slice.values.map((value) => value * (1 + step / 8)),
      }));
      await Promise.all([threaded.setParameters(slices), inline.setParameters(slices)]);
      expect(bytes(await threaded.run(batch))).toBe(bytes(await inline.run(batch)));
    }
    await Promise.all([threaded.close(), inline.close()]);
  });

  it("puts results that are given back where others were, with the bits of those that are kept", async () => {
    const model = sharedModel([{ kind: "dense", units: 2048, activation: "relu" }]);
    const threaded = await createThreadedCompute({ backend: { name: "native" } });
    await threaded.load(model);
    await threaded.setParameters(someParameters(model));
    const batchAt = (step: number) => someBatch({ task: "one", samples: 4, step }, inputNumbers);
    const places = new Set<ArrayBufferLike | undefined>();
    for (let step = 0; step < 8; step += 1) {
      const borrowed = await threaded.run({ ...batchAt(step), borrowed: true });
      expect(bytes(borrowed)).toBe(bytes(await threaded.run(batchAt(step))));
      places.add(borrowed.gradients[0]?.buffer);
      threaded.reuse?.(borrowed.gradients);
    }
    const shared = [...places].filter((place) => place instanceof SharedArrayBuffer);
    expect(shared).toHaveLength(1);
    await threaded.close();
  });
});
