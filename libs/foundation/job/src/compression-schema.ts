import { type Codec, codecs } from "@latentweave/arithmetic";
import { z } from "zod";

const names = codecs.map((codec) => `"${codec}"`).join(", ");

/** How numbers are written with fewer bytes. */
const codecSchema = z.custom<Codec>((value) => codecs.some((codec) => codec === value), {
  error: ({ input }) =>
    input === "topk" || input === "auto"
      ? `got "${input}", which there is not: what it leaves out would have to be remembered by one worker, and then the bits depend on who computes what; there are ${names}`
      : `expected one of ${names}`,
});

/** What is rounded so that it travels in fewer bytes: docs/compression.md. */
export const compressionSchema = z.strictObject({
  /** Workers' sums of gradients; default none. */
  push: z
    .strictObject({
      codec: codecSchema,
      /** Of the reduction tree: one level, from 0 (each micro-batch) on, or `every` (default). */
      level: z.union([z.int().min(0), z.literal("every")]).default("every"),
    })
    .nullish(),
  /** What a step changes of the parameters; default none. */
  broadcast: z.strictObject({ codec: codecSchema }).nullish(),
});
