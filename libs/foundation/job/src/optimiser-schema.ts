import { z } from "zod";

const learningRate = z.number().gt(0);
const belowOne = z.number().min(0).lt(1);

const adamBase = {
  /** Default 0.001. */
  learningRate: learningRate.default(0.001),
  beta1: belowOne.default(0.9),
  beta2: belowOne.default(0.999),
  epsilon: z.number().gt(0).default(1e-8),
};

export const optimiserSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("sgd"),
    /** Default 0.01. */
    learningRate: learningRate.default(0.01),
  }),
  z.strictObject({
    kind: z.literal("momentum"),
    learningRate: learningRate.default(0.01),
    momentum: belowOne.default(0.9),
    nesterov: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal("adam"), ...adamBase }),
  z.strictObject({ kind: z.literal("adamw"), ...adamBase, weightDecay: z.number().min(0).default(0.01) }),
]);

/** What updates tensors by name, `*` for any text, in place of the job's optimiser; the last that fits counts. */
export const optimisersSchema = z.record(z.string().min(1), optimiserSchema);
