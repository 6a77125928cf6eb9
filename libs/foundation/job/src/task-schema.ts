import { z } from "zod";
import { augmentSchema } from "./augment-schema.ts";
import { latentSchema, noiseSchema, penaltySchema } from "./autoencoder-schema.ts";
import { dataSourceSchema } from "./data-source.ts";
import { layersSchema, list, positiveInteger, shapeSchema } from "./layer-schema.ts";

const weight = z.number().gt(0);

const headBase = {
  /** Column of the data to predict; default `y`. */
  column: z.string().min(1).default("y"),
  /** Layers between the latent and the head's own last dense layer; default none. */
  layers: layersSchema.default([]),
  /** Multiplies this head's loss; default 1. */
  weight: weight.default(1),
};

const headSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("classification"),
    ...headBase,
    /** Default: as many as the data has. */
    classes: positiveInteger.nullish(),
  }),
  /** Of several labels each may be there or not; the column has one number, 0 or 1, for each. */
  z.strictObject({ kind: z.literal("multiLabel"), ...headBase, classes: z.null().optional() }),
  /** Takes as many numbers as the column has. */
  z.strictObject({
    kind: z.literal("regression"),
    ...headBase,
    classes: z.null().optional(),
    /** A variance is learned beside every number, by the Gaussian likelihood; default false. */
    uncertainty: z.boolean().optional(),
  }),
]);

/** Names become parts of parameter names, paths and metric names. */
export const nameSchema = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, "expected a letter, then letters, digits, _ or -, 64 at most");

export const taskSchema = z.strictObject({
  /** Where the samples come from and how they are prepared. */
  data: dataSourceSchema,
  /** Shape in which the encoder gets a sample; default: the data's own. */
  input: shapeSchema.nullish(),
  /** From the sample on. */
  encoder: layersSchema.default([]),
  /** Back to the sample; its output has the shape of the input. */
  decoder: layersSchema.default([]),
  /** Default { loss: "bce", weight: 1 } when the decoder ends in a sigmoid, else mse; false: no reconstruction. */
  reconstruction: z
    .union([
      z.literal(false),
      z.strictObject({
        loss: z.enum(["bce", "mse", "gaussian", "categorical"]),
        /** Over the numbers of a sample; default `mean`, and `sum` where the latent is variational. */
        reduction: z.enum(["mean", "sum"]).optional(),
        /** Default 1. */
        weight: weight.default(1),
      }),
      /** A loss of the job's extensions: docs/extending.md. */
      z.strictObject({
        loss: z.literal("user"),
        name: z.string().min(1),
        options: z.record(z.string(), z.unknown()).default({}),
        weight: weight.default(1),
      }),
    ])
    .optional(),
  /** Default: what the encoder yields. */
  latent: latentSchema.nullish(),
  /** What happens to training samples, drawn anew for every sample of every micro-batch; default nothing. */
  augment: list(augmentSchema).optional(),
  /** What the encoder's input goes through while training; default nothing. */
  noise: noiseSchema.nullish(),
  /** Numbers between 0 and 1 are probabilities of a 1, drawn anew for every micro-batch; default false. */
  binarise: z.boolean().optional(),
  /** Added to the loss, on the latent; default none. */
  penalties: list(penaltySchema).optional(),
  /** The decoder's dense layers use the kernels of the encoder's, transposed; default false. */
  tied: z.boolean().optional(),
  /** What is predicted from the latent. */
  heads: z.record(nameSchema, headSchema).default({}),
  /** Multiplies the whole task's loss; default 1. */
  weight: weight.default(1),
  /** Samples per micro-batch; default 64. */
  microBatch: positiveInteger.default(64),
  /** Micro-batches per step, over all workers; default 4. */
  slots: positiveInteger.default(4),
});
