import { codecs } from "@latentweave/arithmetic";
import { z } from "zod";

/** Fewer bytes for each number. */
const rounding = z.enum(codecs);

/** The largest numbers alone; what was left out is added to what comes next. */
const largestSchema = z.strictObject({
  codec: z.literal("topk"),
  /** Of all numbers, how many travel; default 0.01. */
  share: z.number().gt(0).max(0.5).default(0.01),
});

/** What is rounded so that it travels in fewer bytes: docs/compression.md. */
export const compressionSchema = z.preprocess(
  (value) => (value === "auto" ? { auto: true } : value),
  z.strictObject({
    /** Workers' sums of gradients; default none. */
    push: z
      .discriminatedUnion("codec", [
        z.strictObject({
          codec: rounding,
          /** Of the reduction tree: one level, from 0 (each micro-batch) on, or `every` (default). */
          level: z.union([z.int().min(0), z.literal("every")]).default("every"),
        }),
        largestSchema,
      ])
      .nullish(),
    /** What a step changes of the parameters; default none. */
    broadcast: z.discriminatedUnion("codec", [z.strictObject({ codec: rounding }), largestSchema]).nullish(),
    /** Whoever sends chooses by what it measures of its links. */
    auto: z.boolean().default(false),
    /** `false` is the word by which a job gives the guarantee of the same bits up, where something cannot keep it. */
    sameBits: z.boolean().default(true),
  }),
);
