import { z } from "zod";

/** Weights that a run begins with, in place of drawn ones. */
export const startSchema = z.strictObject({
  /** A run's folder (its newest checkpoint), a safetensors file or a TensorFlow.js model, relative to the job file. */
  from: z.string().min(1),
  /** Names of tensors to take, `*` for any text; default: all that there are on both sides. */
  only: z.array(z.string().min(1)).readonly().check(z.minLength(1)).nullish(),
  /** Beginnings of names there, and what they are here: `{ "digits/": "letters/" }`. */
  rename: z.record(z.string().min(1), z.string().min(1)).default({}),
});

/** Multiplies the learning rate of tensors by name, `*` for any text; the last that fits counts. 0: they stay as they are. */
export const ratesSchema = z.record(z.string().min(1), z.number().min(0));
