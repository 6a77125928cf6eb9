import { z } from "zod";

export const positiveInteger = z.int().min(1);

/** Read-only, so that constants and the layer functions' results fit as they are. */
export function list<Element extends z.ZodType>(element: Element) {
  return z.array(element).readonly();
}

export const activationSchema = z.enum([
  "linear",
  "relu",
  "sigmoid",
  "tanh",
  "gelu",
  "softplus",
  "leakyRelu",
]);

/** Sizes of a sample or a part of it, without the batch: [height, width, channels] for images. */
export const shapeSchema = list(positiveInteger).check(z.minLength(1));

const initialiser = z.enum(["glorotUniform", "heNormal", "zeros"]).optional();

export const layerSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("dense"),
    units: positiveInteger,
    /** Default `linear`. */
    activation: activationSchema.optional(),
    /** Default true. */
    useBias: z.boolean().optional(),
    /** Of the kernel; default `glorotUniform`. Biases start at zero. */
    initialiser,
  }),
  z.strictObject({
    kind: z.enum(["convolution", "transposedConvolution"]),
    filters: positiveInteger,
    /** Side of the square window. */
    kernel: positiveInteger,
    /** Default 1. */
    strides: positiveInteger.optional(),
    /** Default `same`. */
    padding: z.enum(["same", "valid"]).optional(),
    activation: activationSchema.optional(),
    useBias: z.boolean().optional(),
    initialiser,
  }),
  z.strictObject({
    kind: z.literal("pooling"),
    pool: z.enum(["max", "average"]),
    size: positiveInteger,
    /** Default: the size. */
    strides: positiveInteger.optional(),
  }),
  z.strictObject({
    kind: z.literal("dropout"),
    /** Share of numbers set to zero while training. */
    rate: z.number().min(0).lt(1),
  }),
  z.strictObject({
    kind: z.literal("normalisation"),
    /** Default 1: layer normalisation over the last axis. */
    groups: positiveInteger.optional(),
    /** Default 1e-5. */
    epsilon: z.number().gt(0).optional(),
  }),
  z.strictObject({ kind: z.literal("reshape"), shape: shapeSchema }),
  z.strictObject({ kind: z.literal("flatten") }),
  z.strictObject({ kind: z.literal("activation"), activation: activationSchema }),
  z.strictObject({
    kind: z.literal("user"),
    /** Name in the record that the job's module exports as `layers`. */
    layer: z.string().min(1),
    options: z
      .record(z.string(), z.unknown())
      .refine((options) => z.json().safeParse(options).success, "expected plain values, as JSON has them")
      .optional(),
  }),
]);

export const layersSchema = list(layerSchema);
