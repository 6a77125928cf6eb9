import { type ComputeModel, type LayerSpec, resolveModel } from "@latentweave/model";
import { describe, expect, it } from "vitest";
import type { LoadedBackend } from "../backend/loaded-backend.ts";
import { createInlineCompute } from "../model/inline-compute.ts";
import { someBatch, someParameters } from "./keyed.ts";
import { referenceLoss } from "./reference.ts";

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
        const model = modelOf(layers);
        const compute = createInlineCompute(backend());
        await compute.load(model);
        const parameters = someParameters(model);
        await compute.setParameters(parameters);
        const batch = someBatch({ task: "only", samples: 3 }, 6, { values: 2 });
        const { gradients, metrics } = await compute.run(batch);
        await compute.close();

        const numbers = new Map<string, number[]>();
        for (const group of model.layout.groups)
          for (const tensor of group.tensors) {
            const slice = parameters.find(
              (each) => each.group === group.index && each.start === tensor.offset,
            );
            numbers.set(tensor.name, [...(slice?.values ?? [])]);
          }
        const wrong: string[] = [];
        expect(metrics[1]).toBeCloseTo(referenceLoss(model, batch, numbers), 4);
        for (const [index, name] of (model.phases[0]?.tasks[0]?.groups ?? []).entries()) {
          const group = model.layout.groups.find((candidate) => candidate.name === name);
          for (const tensor of group?.tensors ?? []) {
            const values = numbers.get(tensor.name) ?? [];
            for (const [i, value] of values.entries()) {
              const slope = (step: number): number => {
                values[i] = value + step;
                const above = referenceLoss(model, batch, numbers);
                values[i] = value - step;
                const below = referenceLoss(model, batch, numbers);
                values[i] = value;
                return (above - below) / (2 * step);
              };
              const ours = gradients[index]?.[tensor.offset + i] ?? NaN;
              const expected = slope(1e-6);
              if (!(Math.abs(ours - expected) < 1e-4 * Math.max(1, Math.abs(expected))))
                wrong.push(`${tensor.name}[${i}]: ${ours} instead of ${expected}`);
            }
          }
        }
        expect(wrong).toEqual([]);
      });
  });
}
