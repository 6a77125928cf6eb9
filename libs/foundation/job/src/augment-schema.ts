import { z } from "zod";
import { positiveInteger } from "./layer-schema.ts";

const positive = z.number().gt(0);
/** Above 0: what never happens is a mistake. */
const rate = z.number().gt(0).max(1);
/** Past 1 a factor could be negative, and a sample its own negative. */
const amount = z.number().gt(0).max(1);

/** What happens to training samples: docs/augmentation.md. */
export const augmentSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("flip"),
    /** `horizontal` swaps left and right; the default. */
    axis: z.enum(["horizontal", "vertical"]).default("horizontal"),
    /** Share of the samples; default 0.5. */
    rate: rate.default(0.5),
  }),
  /** Whole pixels, in either direction at most so many. */
  z.strictObject({ kind: z.literal("shift"), pixels: positiveInteger }),
  /** At most so far, either way round. */
  z.strictObject({ kind: z.literal("rotate"), degrees: positive.max(180) }),
  /** Factors: 1 is as large as before. */
  z.strictObject({ kind: z.literal("scale"), from: positive, to: positive }),
  z.strictObject({ kind: z.literal("brightness"), amount }),
  z.strictObject({ kind: z.literal("contrast"), amount }),
  z.strictObject({
    kind: z.literal("cutout"),
    /** Side of the square, in pixels. */
    size: positiveInteger,
    /** Share of the samples; default 1. */
    rate: rate.default(1),
  }),
  z.strictObject({ kind: z.literal("jitter"), deviation: positive }),
]);
