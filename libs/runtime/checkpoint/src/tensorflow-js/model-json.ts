import { z } from "zod";

/**
 * The part of a TensorFlow.js `model.json` that says where weights are: `weightsManifest`, as layers models and graph
 * models both have it. Groups of shards; a group's tensors lie one after the other in the shards' bytes joined, so that a
 * tensor may begin in one shard and end in the next.
 */
const quantizationSchema = z.looseObject({
  dtype: z.string(),
  /** Absent for float16. */
  scale: z.number().optional(),
  min: z.number().optional(),
});

const weightSchema = z.looseObject({
  name: z.string().min(1),
  shape: z.array(z.int().min(0)).readonly(),
  dtype: z.string(),
  quantization: quantizationSchema.optional(),
});

export const modelJsonSchema = z.looseObject({
  weightsManifest: z
    .array(z.looseObject({ paths: z.array(z.string().min(1)).min(1), weights: z.array(weightSchema) }))
    .min(1),
});

export type TensorFlowJsWeight = z.output<typeof weightSchema>;
export type ModelJson = z.output<typeof modelJsonSchema>;
