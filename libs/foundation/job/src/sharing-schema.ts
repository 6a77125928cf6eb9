import type { LatentDescription, LayerSpec } from "@latentweave/model";
import { z } from "zod";
import { isOwnKind, latentSchema as ownLatentSchema, sharedLatentSchema } from "./autoencoder-schema.ts";
import { activationSchema, layersSchema, positiveInteger } from "./layer-schema.ts";
import type { ResolvedLatent, ResolvedModelSpec } from "./resolved-job.ts";

const latentSchema = z.union([
  positiveInteger,
  z.strictObject({ units: positiveInteger, activation: activationSchema.default("linear") }),
]);

const base = { latent: latentSchema, trunkDecoder: layersSchema.default([]) };
const trunk = layersSchema.default([]);
const expertBase = {
  /** Shared ones; default 3. */
  experts: positiveInteger.default(3),
  /** Layers of each expert before its last one, which yields the latent. */
  expert: layersSchema.default([]),
  /** Layers of a task's gate before its last one. */
  gate: layersSchema.default([]),
};

/** Task encoders → what tasks share, with the latent at its end → shared way back → task decoders. */
export const sharingSchemas = [
  /** One trunk for all. */
  z.strictObject({ kind: z.literal("shared"), trunk, ...base, latent: sharedLatentSchema }),
  /** The shared latent, and behind it one of the task's own. */
  z.strictObject({ kind: z.literal("private-shared"), trunk, privateLatent: latentSchema, ...base }),
  /** Experts that all tasks mix, each with a gate of its own. */
  z.strictObject({ kind: z.literal("mmoe"), ...expertBase, ...base }),
  /** The same with experts besides that only their task sees; default 1 for each. */
  z.strictObject({
    kind: z.literal("cgc"),
    ...expertBase,
    ownExperts: positiveInteger.default(1),
    ...base,
  }),
  /** A column of layers for each task, with learned linear combinations of all columns between them. */
  z.strictObject({ kind: z.literal("cross-stitch"), column: layersSchema.default([]), ...base }),
  /** A trunk that is told the task by an embedding of so many numbers; default 8. */
  z.strictObject({ kind: z.literal("film"), trunk, embedding: positiveInteger.default(8), ...base }),
  /** A trunk with a detour of the task's own after each layer, of so many channels; default 8. */
  z.strictObject({ kind: z.literal("adapters"), trunk, adapter: positiveInteger.default(8), ...base }),
] as const;

type ParsedSharing = z.output<(typeof sharingSchemas)[number]>;

/** Fills in what a job leaves open of it. */
export function completeSharing(
  model: ParsedSharing,
  completeLayers: (layers: ParsedSharing["trunkDecoder"]) => readonly LayerSpec[],
): Exclude<ResolvedModelSpec, { readonly kind: "private" | "bank" }> {
  const trunkDecoder = completeLayers(model.trunkDecoder);
  if (model.kind === "shared") {
    const { latent } = model;
    return {
      kind: model.kind,
      trunk: completeLayers(model.trunk),
      latent: isOwnKind(latent) ? completeLatentSpec(latent, completeLayers) : completeLatent(latent),
      trunkDecoder,
    };
  }
  const latent = completeLatent(model.latent);
  switch (model.kind) {
    case "private-shared":
      return {
        kind: model.kind,
        trunk: completeLayers(model.trunk),
        latent,
        privateLatent: completeLatent(model.privateLatent),
        trunkDecoder,
      };
    case "mmoe":
    case "cgc":
      return {
        ...model,
        expert: completeLayers(model.expert),
        gate: completeLayers(model.gate),
        latent,
        trunkDecoder,
      };
    case "cross-stitch":
      return { kind: model.kind, column: completeLayers(model.column), latent, trunkDecoder };
    case "film":
    case "adapters":
      return { ...model, trunk: completeLayers(model.trunk), latent, trunkDecoder };
  }
}

function completeLatent(
  latent: number | { readonly units: number; readonly activation: LatentDescription["activation"] },
): LatentDescription {
  return typeof latent === "number"
    ? { units: latent, activation: "linear" }
    : { units: latent.units, activation: latent.activation };
}

/** Fills in what a job leaves open of a latent that is more than a layer. */
export function completeLatentSpec(
  latent: z.output<typeof ownLatentSchema>,
  completeLayers: (layers: ParsedSharing["trunkDecoder"]) => readonly LayerSpec[],
): ResolvedLatent {
  switch (latent.kind) {
    case "variational":
      return { ...latent, annealing: latent.annealing ?? null };
    case "vectorQuantised":
      return completeQuantised(latent);
    case "adversarial":
      return { ...latent, discriminator: completeLayers(latent.discriminator) };
  }
}

function completeQuantised({
  movingAverage,
  ...rest
}: Extract<z.output<typeof ownLatentSchema>, { readonly kind: "vectorQuantised" }>): ResolvedLatent {
  return { ...rest, width: rest.width ?? null, ...(movingAverage && { movingAverage }) };
}
