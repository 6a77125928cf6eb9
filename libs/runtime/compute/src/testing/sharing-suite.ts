import { type ComputeModel, type LayerSpec, type ModelKind, resolveModel } from "@latentweave/model";
import { describe, it } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { expectSlopes } from "./expect-slopes.ts";

const dense = (units: number): LayerSpec => ({ kind: "dense", units, activation: "tanh" });
const latent = { units: 3, activation: "tanh" } as const;
const trunkDecoder = [dense(4)];
const image: LayerSpec = { kind: "reshape", shape: [2, 2, 2] };
const convolution: LayerSpec = { kind: "convolution", filters: 3, kernel: 2, activation: "tanh" };

const kinds: Readonly<Record<string, ModelKind>> = {
  "one trunk": { kind: "shared", trunk: [dense(4)], latent, trunkDecoder },
  "a private latent beside the shared one": {
    ...{ kind: "private-shared", trunk: [dense(4)], latent, trunkDecoder },
    privateLatent: { units: 2, activation: "sigmoid" },
  },
  "a mixture of experts": {
    ...{ kind: "mmoe", experts: 3, expert: [dense(4)], gate: [dense(2)], latent, trunkDecoder },
  },
  "experts of one's own besides": {
    ...{ kind: "cgc", experts: 2, ownExperts: 2, expert: [], gate: [], latent, trunkDecoder },
  },
  "stitched columns": { kind: "cross-stitch", column: [dense(4), dense(3)], latent, trunkDecoder },
  "stitched columns of images": {
    kind: "cross-stitch",
    ...{ column: [image, convolution], latent, trunkDecoder },
  },
  "a trunk that is told the task": {
    kind: "film",
    ...{ trunk: [dense(4)], embedding: 3, latent, trunkDecoder },
  },
  "a trunk of images that is told the task": {
    kind: "film",
    ...{ trunk: [image, convolution], embedding: 2, latent, trunkDecoder },
  },
  "a trunk with adapters": { kind: "adapters", trunk: [dense(4)], adapter: 2, latent, trunkDecoder },
  "a trunk of images with adapters": {
    kind: "adapters",
    ...{ trunk: [image, convolution], adapter: 2, latent, trunkDecoder },
  },
};

function modelOf(model: ModelKind): ComputeModel {
  const task = {
    input: null,
    encoder: [{ ...dense(8) }],
    decoder: [{ kind: "dense", units: 6 } as const],
    reconstruction: { loss: "mse", weight: 1 } as const,
    heads: {
      value: { kind: "regression", column: "value", classes: null, layers: [], weight: 0.5 } as const,
    },
  };
  const shape = {
    inputShape: [6],
    columns: [{ name: "value", kind: "number" as const, numbers: 2 }],
  };
  const { layout, phases } = resolveModel(
    { tasks: { one: task, other: task }, model, regulariser: { omega: "none", on: "encoder" } },
    { one: shape, other: shape },
  );
  return { layout, phases, seed: 3 };
}

/** Every way of sharing, seen from the second of two tasks, against a textbook's, differentiated numerically in float64. */
export function sharingSuite(backend: () => LoadedBackend): void {
  describe("the gradient through", () => {
    for (const [title, model] of Object.entries(kinds))
      it(`${title} is the slope of a float64 reference`, () =>
        expectSlopes(backend(), modelOf(model), "other"));
  });
}
