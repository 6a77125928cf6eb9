import { z } from "zod";

const positive = z.number().gt(0);
const steps = z.int().min(1);

/** Of every combiner. */
const scalePrivate = {
  /** Whether a task's weight is applied to its private parameters as well; default false: to shared ones alone. */
  scalePrivate: z.boolean().default(false),
};

/** Of those that look at gradients. */
const weightsEverySteps = {
  /** Weights are made anew in every so manieth step, and hold in those between; default 1. */
  weightsEverySteps: steps.default(1),
};

function combiner<Kind extends string, Options extends z.core.$ZodLooseShape>(kind: Kind, options: Options) {
  return z.strictObject({ kind: z.literal(kind), ...options, ...scalePrivate });
}

function ofGradients<Kind extends string, Options extends z.core.$ZodLooseShape>(
  kind: Kind,
  options: Options,
) {
  return combiner(kind, { ...options, ...weightsEverySteps });
}

/** How the tasks' gradients become one, by name with the options of each: docs/combining.md. */
const combiners = [
  combiner("sum", {}),
  combiner("mean", {}),
  combiner("si", {}),
  combiner("uw", { learningRate: positive.default(0.001) }),
  combiner("dwa", { temperature: positive.default(2), everySteps: steps.default(100) }),
  combiner("gls", {}),
  combiner("rlw", {}),
  combiner("stch", {
    mu: positive.default(1),
    warmupSteps: z.int().min(0).default(100),
    nadirSteps: steps.default(100),
  }),
  combiner("famo", {
    learningRate: positive.default(0.025),
    decay: z.number().min(0).default(0.001),
    leastLoss: z.number().default(0),
  }),
  ofGradients("gradnorm", { alpha: z.number().min(0).default(1.5), learningRate: positive.default(0.025) }),
  ofGradients("excess-norm", { learningRate: positive.default(0.01) }),
  ofGradients("mgda", { normalise: z.enum(["none", "norm", "loss", "both"]).default("none") }),
  ofGradients("pcgrad", {}),
  ofGradients("gradvac", { beta: z.number().min(0).max(1).default(0.5) }),
  ofGradients("cagrad", {
    c: z.number().min(0).lt(1).default(0.5),
    rescale: z.enum(["none", "linear", "square"]).default("none"),
  }),
  ofGradients("imtl-g", {}),
  ofGradients("nash-mtl", {}),
  ofGradients("fairgrad", { alpha: positive.default(2) }),
  ofGradients("aligned-mtl", {}),
  ofGradients("upgrad", {}),
  ofGradients("dualproj", {}),
  ofGradients("config", {}),
] as const;

/** A combiner of the job's own extensions: docs/extending.md. */
const userCombiner = z.strictObject({
  kind: z.literal("user"),
  /** In the extension's record `combiners`. */
  name: z.string().min(1),
  options: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])).default({}),
  ...scalePrivate,
  ...weightsEverySteps,
});

const byKind = z.discriminatedUnion("kind", [...combiners, userCombiner]);
type WithOptions = z.output<typeof byKind>;
type HeldWeights = { readonly weightsEverySteps?: number };
export type CombinerName = (typeof combiners)[number]["shape"]["kind"]["value"];

export const combinerNames = combiners.map(
  (member) => member.shape.kind.value,
) as readonly CombinerName[] as readonly [CombinerName, ...CombinerName[]];

/** A name, or `{ kind: name }` with options. */
export const combinerSchema = z.union([z.enum(combinerNames), byKind]);

/** The name alone where it has no options; otherwise with all of them. */
export type ResolvedCombiner = CombinerName | WithOptions;

/** Every default filled in. */
function wholeOf(combiner: ResolvedCombiner): WithOptions {
  return byKind.parse(typeof combiner === "string" ? { kind: combiner } : combiner);
}

export function completeCombiner(combiner: ResolvedCombiner): ResolvedCombiner {
  const whole = wholeOf(combiner);
  if (whole.kind === "user") return whole;
  const { options, scalePrivate, weightsEverySteps } = combinerParts(whole);
  return Object.keys(options).length === 0 && !scalePrivate && weightsEverySteps === 1 ? whole.kind : whole;
}

/** The method's name, its own options with every default, and those of all. */
export function combinerParts(combiner: ResolvedCombiner): {
  readonly name: CombinerName | `user:${string}`;
  readonly options: Readonly<Record<string, number | string | boolean>>;
  readonly scalePrivate: boolean;
  readonly weightsEverySteps: number;
} {
  const whole = wholeOf(combiner);
  if (whole.kind === "user") {
    const { name, options, scalePrivate, weightsEverySteps } = whole;
    return { name: `user:${name}`, options, scalePrivate, weightsEverySteps };
  }
  const { kind, scalePrivate, weightsEverySteps = 1, ...options }: typeof whole & HeldWeights = whole;
  return { name: kind, options, scalePrivate, weightsEverySteps };
}
