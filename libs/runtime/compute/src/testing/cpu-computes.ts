import type { Compute, ComputeModel } from "@latentweave/model";
import { afterEach, beforeAll } from "vitest";
import { loadBackend } from "../backend/load-backend.ts";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { createInlineCompute } from "../model/inline-compute.ts";
import { someParameters } from "./keyed.ts";

export interface CpuComputes {
  backend(): LoadedBackend;
  /** Has the model and the parameters of `someParameters`. */
  start(model: ComputeModel): Promise<Compute>;
}

/** For the tests of one file: the cpu backend, loaded before the first, and computes on it, closed after the test that started them. */
export function cpuComputes(): CpuComputes {
  let loaded: LoadedBackend;
  beforeAll(async () => {
    loaded = await loadBackend({ name: "cpu" });
  });
  const open: Compute[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((compute) => compute.close()));
  });
  return {
    backend: () => loaded,
    start: async (model) => {
      const compute = createInlineCompute(loaded);
      open.push(compute);
      await compute.load(model);
      await compute.setParameters(someParameters(model));
      return compute;
    },
  };
}
