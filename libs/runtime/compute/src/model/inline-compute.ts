import type {
  Compute,
  ComputeModel,
  InferenceRequest,
  MicroBatch,
  MicroBatchResult,
} from "@latentweave/model";
import type { ParameterSlice } from "./model-runtime.ts";
import { ModelRuntime } from "./model-runtime.ts";
import { allocateParameterMemory } from "./parameter-memory.ts";
import type { Tf } from "../layers/tensorflow.ts";

/** The part of a loaded backend that computing needs. */
export interface ComputeBackend {
  readonly tf: Tf;
  readonly determinismClass: Readonly<Record<string, string>>;
}

/** Computes on the calling thread. Calls are carried out one at a time, in order; `close` leaves no tensor behind. */
export function createInlineCompute(backend: ComputeBackend): Compute {
  let runtime: ModelRuntime | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;

  const inOrder = <T>(work: () => T | Promise<T>): Promise<T> => {
    if (closed) return Promise.reject(new Error("the compute is closed"));
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
  const loaded = (): ModelRuntime => {
    if (!runtime) throw new Error("no model is loaded yet");
    return runtime;
  };

  return {
    determinismClass: backend.determinismClass,
    load: (model: ComputeModel) =>
      inOrder(async () => {
        const next = await ModelRuntime.create(backend.tf, model, allocateParameterMemory(model.layout));
        runtime?.dispose();
        runtime = next;
      }),
    setParameters: (slices: readonly ParameterSlice[]) => {
      // Taken now: the caller may reuse its arrays as soon as this returns.
      const copies = slices.map((slice) => ({ ...slice, values: slice.values.slice() }));
      return inOrder(() => loaded().write(copies));
    },
    run: (batch: MicroBatch): Promise<MicroBatchResult> => inOrder(() => loaded().run(batch)),
    infer: (request: InferenceRequest) => inOrder(() => loaded().infer(request)),
    close: async () => {
      if (closed) return;
      const done = inOrder(() => runtime?.dispose());
      closed = true;
      await done;
    },
  };
}
