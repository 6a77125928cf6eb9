import { type ComputeModel, type LayerSpec, resolveModel } from "@latentweave/model";
import { describe, it } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { expectSlopes } from "./expect-slopes.ts";

const dense = (units: number): LayerSpec => ({ kind: "dense", units });
const image = (...shape: number[]): LayerSpec => ({ kind: "reshape", shape });
const flatten: LayerSpec = { kind: "flatten" };

/** Each layer stands between two dense ones, so its gradients with respect to its input count too. */
const cases: Readonly<Record<string, readonly LayerSpec[]>> = {
  dense: [dense(5)],
  "dense without bias": [{ kind: "dense", units: 5, useBias: false }],
  ...Object.fromEntries(
    (["relu", "sigmoid", "tanh", "gelu", "softplus", "leakyRelu", "linear"] as const).map((activation) => [
      activation,
      [{ kind: "activation", activation }, dense(3)] as const,
    ]),
  ),
  convolution: [image(4, 4, 2), { kind: "convolution", filters: 3, kernel: 3 }, flatten],
  "convolution with strides, no padding, no bias": [
    image(4, 4, 2),
    { kind: "convolution", filters: 2, kernel: 2, strides: 2, padding: "valid", useBias: false },
    flatten,
  ],
  "convolution with strides and an even kernel": [
    image(4, 4, 2),
    { kind: "convolution", filters: 2, kernel: 4, strides: 2, padding: "same" },
    flatten,
  ],
  "transposed convolution": [
    image(4, 4, 2),
    { kind: "transposedConvolution", filters: 2, kernel: 3, strides: 2 },
    flatten,
  ],
  "transposed convolution without padding": [
    image(4, 4, 2),
    { kind: "transposedConvolution", filters: 3, kernel: 3, strides: 2, padding: "valid" },
    flatten,
  ],
  "max pooling": [image(4, 4, 2), { kind: "pooling", pool: "max", size: 2 }, flatten],
  "average pooling of overlapping windows": [
    image(4, 4, 2),
    { kind: "pooling", pool: "average", size: 3, strides: 1 },
    flatten,
  ],
  "layer normalisation": [image(4, 8), { kind: "normalisation" }, flatten],
  "group normalisation": [image(4, 4, 2), { kind: "normalisation", groups: 2, epsilon: 1e-3 }, flatten],
};

function modelOf(layers: readonly LayerSpec[]): ComputeModel {
  const { layout, phases } = resolveModel(
    {
      tasks: {
        only: {
          input: null,
          encoder: [dense(32), ...layers],
          decoder: [],
          reconstruction: false,
          heads: { value: { kind: "regression", column: "value", classes: null, layers: [], weight: 0.5 } },
        },
      },
      model: { kind: "private" },
      regulariser: { omega: "none", on: "encoder" },
    },
    { only: { inputShape: [6], columns: [{ name: "value", kind: "number", numbers: 2 }] } },
  );
  return { layout, phases, seed: 3 };
}

/** Every layer's forward and backward pass against a textbook's, differentiated numerically in float64. */
export function layerSuite(backend: () => LoadedBackend): void {
  describe("the gradient through", () => {
    for (const [title, layers] of Object.entries(cases))
      it(`${title} is the slope of a float64 reference`, async () => {
        await expectSlopes(backend(), modelOf(layers), "only");
      });
  });
}
