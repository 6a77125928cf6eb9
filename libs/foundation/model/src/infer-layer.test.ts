import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countNumbers, inferLayer } from "./infer-layer.ts";
import { completeLayer } from "./layer-defaults.ts";
import type { LayerSpec, UserLayer } from "./layers.ts";

const infer = (layer: LayerSpec, input: readonly number[], userLayers: Record<string, UserLayer> = {}) =>
  inferLayer(completeLayer(layer), input, "here", userLayers);

const size = fc.integer({ min: 1, max: 12 });
const image = fc.tuple(size, size, size);

describe("shape inference", () => {
  it("gives a convolution as many positions as windows fit", () => {
    fc.assert(
      fc.property(image, size, size, size, ([height, width, channels], filters, kernel, strides) => {
        fc.pre(kernel <= Math.min(height, width));
        const { shape, tensors } = infer(
          { kind: "convolution", filters, kernel, strides, padding: "valid" },
          [height, width, channels],
        );
        const positions = (length: number): number =>
          Array.from({ length }, (_, start) => start * strides).filter((start) => start + kernel <= length)
            .length;
        expect(shape).toEqual([positions(height), positions(width), filters]);
        expect(tensors[0]?.shape).toEqual([kernel, kernel, channels, filters]);
      }),
    );
  });

  it("has a transposed convolution undo a convolution's shape", () => {
    fc.assert(
      fc.property(
        image,
        size,
        size,
        size,
        fc.constantFrom("same" as const, "valid" as const),
        (input, filters, kernel, strides, padding) => {
          const grown = infer({ kind: "transposedConvolution", filters, kernel, strides, padding }, input);
          const back = infer(
            { kind: "convolution", filters: input[2], kernel, strides, padding },
            grown.shape,
          );
          expect(back.shape).toEqual(input);
          // The same kernel serves both ways, read from the other side.
          expect(back.tensors[0]?.shape).toEqual(grown.tensors[0]?.shape);
        },
      ),
    );
  });

  it("keeps the number of numbers where nothing is computed", () => {
    fc.assert(
      fc.property(image, ([a, b, c]) => {
        const input = [a, b, c];
        expect(infer({ kind: "flatten" }, input).shape).toEqual([countNumbers(input)]);
        expect(infer({ kind: "reshape", shape: [c, a * b] }, input).shape).toEqual([c, a * b]);
        expect(infer({ kind: "dropout", rate: 0.5 }, input).shape).toEqual(input);
        expect(infer({ kind: "activation", activation: "tanh" }, input).shape).toEqual(input);
      }),
    );
  });

  it("pools by whole windows, strides being the size unless said otherwise", () => {
    expect(infer({ kind: "pooling", pool: "max", size: 2 }, [7, 6, 3]).shape).toEqual([3, 3, 3]);
    expect(infer({ kind: "pooling", pool: "max", size: 3, strides: 1 }, [7, 6, 3]).shape).toEqual([5, 4, 3]);
  });

  it("starts a normalisation as no change of scale", () => {
    expect(infer({ kind: "normalisation", groups: 2 }, [3, 3, 4]).tensors).toEqual([
      { role: "scale", shape: [4], initialiser: { kind: "constant", value: 1 } },
      { role: "bias", shape: [4], initialiser: { kind: "constant", value: 0 } },
    ]);
  });

  it("counts a transposed kernel's inputs on its last axis", () => {
    const [kernel] = infer(
      { kind: "transposedConvolution", filters: 8, kernel: 3, initialiser: "heNormal" },
      [5, 5, 2],
    ).tensors;
    expect(kernel?.initialiser).toEqual({
      kind: "normal",
      mean: 0,
      standardDeviation: Math.sqrt(2 / (3 * 3 * 2)),
    });
  });

  it("leaves the bias out when told to", () => {
    expect(infer({ kind: "dense", units: 3, useBias: false }, [2]).tensors.map(({ role }) => role)).toEqual([
      "kernel",
    ]);
  });
});

describe("a layer of the job's own", () => {
  const good: UserLayer = {
    outputShape: ([n]) => [(n as number) * 2],
    parameters: ([n]) => [
      { role: "matrix", shape: [n as number, 2], initialiser: "heNormal" },
      { role: "shift", shape: [2] },
    ],
    apply: () => undefined,
  };

  it("says its shapes itself", () => {
    const { shape, tensors } = infer({ kind: "user", layer: "Good" }, [4], { Good: good });
    expect(shape).toEqual([8]);
    expect(tensors.map(({ role, initialiser }) => [role, initialiser.kind])).toEqual([
      ["matrix", "normal"],
      ["shift", "constant"],
    ]);
  });

  it.each<[Partial<UserLayer>, string]>([
    [{ outputShape: () => [] }, "outputShape"],
    [{ outputShape: () => [1.5] }, "[1.5]"],
    [{ parameters: () => [{ role: "a", shape: [0] }] }, 'the parameter "a"'],
    [
      { parameters: () => ["a", "a"].map((role) => ({ role, shape: [1] })) },
      'two parameters with the role "a"',
    ],
    [
      {
        outputShape: () => {
          throw new Error("boom");
        },
      },
      "failed: boom",
    ],
  ])("is not trusted blindly, case %#", (changes, text) => {
    expect(() => infer({ kind: "user", layer: "Bad" }, [4], { Bad: { ...good, ...changes } })).toThrow(text);
  });
});
