import type { Initialiser } from "@latentweave/parameters";
import { UserError } from "@latentweave/protocol";
import { initialise } from "./initialise.ts";
import type { CompleteLayer } from "./layer-defaults.ts";
import type { UserLayer } from "./layers.ts";
import { inferUserLayer } from "./user-layer.ts";

export interface InferredTensor {
  readonly role: string;
  readonly shape: readonly number[];
  readonly initialiser: Initialiser;
}

export interface InferredLayer {
  /** Per sample. */
  readonly shape: readonly number[];
  readonly tensors: readonly InferredTensor[];
}

const zeros: Initialiser = { kind: "constant", value: 0 };
const ones: Initialiser = { kind: "constant", value: 1 };

/**
 * Output shape and tensors of one layer on samples of shape `input`; images are [height, width, channels]. Activations
 * are not looked at. Kernels: dense [in, out], convolution [k, k, in, out], transposed convolution [k, k, out, in].
 * @throws UserError naming `where`, the layer and the shape it got, when the layer cannot take that shape.
 */
export function inferLayer(
  layer: CompleteLayer,
  input: readonly number[],
  where: string,
  userLayers: Readonly<Record<string, UserLayer>>,
): InferredLayer {
  switch (layer.kind) {
    case "dense": {
      if (input.length !== 1)
        throw misfit(where, `dense(${layer.units}) got samples of shape ${show(input)}`, {
          expected: "samples that are a row of numbers, such as " + show([countNumbers(input)]),
          mend: `put flatten() before it (${show(input)} becomes ${show([countNumbers(input)])})`,
        });
      const shape = [input[0] as number, layer.units];
      return {
        shape: [layer.units],
        tensors: [
          { role: "kernel", shape, initialiser: initialise(layer.initialiser, shape) },
          ...biasOf(layer.useBias, layer.units),
        ],
      };
    }
    case "convolution":
    case "transposedConvolution": {
      const [height, width, channels] = imageShape(layer.kind, input, where);
      const { kernel, strides, padding, filters } = layer;
      const transposed = layer.kind === "transposedConvolution";
      const along = (size: number): number =>
        transposed
          ? transposedLength(size, kernel, strides, padding)
          : slidLength(size, kernel, strides, padding);
      const shape = [along(height), along(width), filters];
      if (shape.some((size) => size < 1))
        throw misfit(
          where,
          `a ${kernel}×${kernel} window does not fit into samples of shape ${show(input)}`,
          {
            mend: 'use a smaller kernel, or padding "same"',
          },
        );
      const kernelShape = transposed
        ? [kernel, kernel, filters, channels]
        : [kernel, kernel, channels, filters];
      return {
        shape,
        tensors: [
          {
            role: "kernel",
            shape: kernelShape,
            initialiser: initialise(layer.initialiser, kernelShape, transposed ? "out-in" : "in-out"),
          },
          ...biasOf(layer.useBias, filters),
        ],
      };
    }
    case "pooling": {
      const [height, width, channels] = imageShape("pooling", input, where);
      const along = (size: number): number => slidLength(size, layer.size, layer.strides, "valid");
      const shape = [along(height), along(width), channels];
      if (shape.some((size) => size < 1))
        throw misfit(
          where,
          `a ${layer.size}×${layer.size} pool does not fit into samples of shape ${show(input)}`,
          {
            mend: "use a smaller size, or one pooling layer less",
          },
        );
      return { shape, tensors: [] };
    }
    case "normalisation": {
      const channels = input.at(-1) as number;
      if (channels % layer.groups !== 0)
        throw misfit(where, `normalisation cannot put the ${channels} channels of ${show(input)} in groups`, {
          expected: `a number of groups that divides ${channels}, not ${layer.groups}`,
          mend: "change groups, or leave it out",
        });
      return {
        shape: input,
        tensors: [
          { role: "scale", shape: [channels], initialiser: ones },
          { role: "bias", shape: [channels], initialiser: zeros },
        ],
      };
    }
    case "reshape":
      if (countNumbers(layer.shape) !== countNumbers(input))
        throw misfit(where, `reshape cannot turn ${show(input)} into ${show(layer.shape)}`, {
          expected: `a shape of ${countNumbers(input)} numbers, not ${countNumbers(layer.shape)}`,
          mend: `change the shape, or the layer before it so that it yields ${countNumbers(layer.shape)} numbers`,
        });
      return { shape: layer.shape, tensors: [] };
    case "flatten":
      return { shape: [countNumbers(input)], tensors: [] };
    case "dropout":
    case "activation":
      return { shape: input, tensors: [] };
    case "user":
      return inferUserLayer(layer, input, where, userLayers);
  }
}

function imageShape(kind: string, input: readonly number[], where: string): [number, number, number] {
  const [height, width, channels] = input;
  if (input.length === 3) return [height as number, width as number, channels as number];
  throw misfit(where, `${kind} got samples of shape ${show(input)}`, {
    expected: "images, [height, width, channels]",
    mend:
      input.length === 2
        ? `put reshape(${show([...input, 1])}) before it`
        : "put reshape([height, width, channels]) before it",
  });
}

/** How many positions a window has along an axis. */
function slidLength(size: number, window: number, strides: number, padding: "same" | "valid"): number {
  return padding === "same" ? Math.ceil(size / strides) : Math.floor((size - window) / strides) + 1;
}

/** As Keras and TensorFlow define it, so that the convolution the other way leads back. */
function transposedLength(size: number, window: number, strides: number, padding: "same" | "valid"): number {
  return size * strides + (padding === "same" ? 0 : Math.max(window - strides, 0));
}

function biasOf(useBias: boolean, units: number): InferredTensor[] {
  return useBias ? [{ role: "bias", shape: [units], initialiser: zeros }] : [];
}

export function countNumbers(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function show(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

function misfit(where: string, what: string, parts: { expected?: string; mend?: string }): UserError {
  return new UserError({ where, what, ...parts });
}
