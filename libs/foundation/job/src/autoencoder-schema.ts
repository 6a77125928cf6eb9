import { z } from "zod";
import { activationSchema, layersSchema, positiveInteger } from "./layer-schema.ts";
import { optimiserSchema } from "./optimiser-schema.ts";

const positive = z.number().gt(0);
const notNegative = z.number().min(0);
const rate = z.number().gt(0).lt(1);

/** A mean and a variance per unit, and a normal draw between them: docs/autoencoders.md. */
const variationalSchema = z.strictObject({
  kind: z.literal("variational"),
  units: positiveInteger,
  /** Weight of the KL divergence from the standard normal; default 1. */
  beta: notNegative.default(1),
  /** β rises linearly from 0 over the first `steps` steps; default: it is there from the first. */
  annealing: z.strictObject({ steps: positiveInteger }).nullish(),
  /** Nats that every unit of every sample may use without a price; default 0. */
  freeBits: notNegative.default(0),
  /** Draws for each sample; with more than one the objective is the importance-weighted bound. Default 1. */
  samples: positiveInteger.default(1),
});

/** Every vector becomes the nearest of a codebook: docs/autoencoders.md. */
const vectorQuantisedSchema = z.strictObject({
  kind: z.literal("vectorQuantised"),
  /** Vectors in the codebook. */
  codes: z.int().min(2),
  /** Numbers in a vector; default: the last axis of what was encoded. */
  width: positiveInteger.nullish(),
  /** Weight of the way from what was encoded to its code; default 0.25. */
  commitment: notNegative.default(0.25),
  /** Codes are moving averages of the vectors that chose them; default: they are learned by gradient. */
  movingAverage: z
    .strictObject({
      /** What the average so far counts; default 0.99. */
      decay: rate.default(0.99),
    })
    .nullish(),
});

/** A discriminator is to take the latent for draws of the standard normal: docs/autoencoders.md. */
const adversarialSchema = z.strictObject({
  kind: z.literal("adversarial"),
  units: positiveInteger,
  /** Layers of the discriminator before its last one, which yields one logit. */
  discriminator: layersSchema.check(z.minLength(1)),
  /** Weight of −log D(z) in the loss of the autoencoder; default 0.01. */
  weight: notNegative.default(0.01),
  /** What updates the discriminator, `job`: the job's optimiser; default Adam, rate 0.0005, as below. */
  optimiser: z.union([z.literal("job"), optimiserSchema]).default({
    kind: "adam",
    learningRate: 0.0005,
    // As usual for adversaries (Radford et al. 2016): the less it remembers, the less the two swing.
    beta1: 0.5,
    beta2: 0.999,
    epsilon: 1e-8,
  }),
});

/** Latents that are more than a layer. */
const latentSchemas = [variationalSchema, vectorQuantisedSchema, adversarialSchema] as const;

export const latentSchema = z.discriminatedUnion("kind", latentSchemas);

/** The latent of a shared model: a number of units, a dense layer, or what a task's own may be. */
export const sharedLatentSchema = z.union([
  positiveInteger,
  z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("dense").optional(),
      units: positiveInteger,
      activation: activationSchema.default("linear"),
    }),
    ...latentSchemas,
  ]),
]);

/** Whether a shared model's latent is one that a task could have, too: more than a layer. */
export function isOwnKind(
  latent: z.output<typeof sharedLatentSchema>,
): latent is z.output<typeof latentSchema> {
  return typeof latent === "object" && latent.kind !== undefined && latent.kind !== "dense";
}

/** What the encoder's input goes through while training. */
export const noiseSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("masking"), rate }),
  z.strictObject({ kind: z.literal("gaussian"), deviation: positive }),
  z.strictObject({ kind: z.literal("saltAndPepper"), rate }),
  z.strictObject({
    kind: z.literal("patches"),
    size: positiveInteger,
    rate,
    /** `masked`: while training, only what is masked is compared; default: all pixels. */
    compare: z.literal("masked").optional(),
  }),
]);

export const penaltySchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("l1"), weight: positive }),
  z.strictObject({
    kind: z.literal("sparsity"),
    /** Share of the samples for which a unit is to be active. */
    rate,
    weight: positive,
  }),
  z.strictObject({ kind: z.literal("contractive"), weight: positive }),
]);
