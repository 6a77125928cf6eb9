import { z } from "zod";

export const regulariserNames = [
  "none",
  "mean",
  "graph",
  "l21",
  "trace",
  "clustered",
  "mtrl",
  "robust",
  "dirty",
] as const;
/** `user`: one of the job's own extensions (docs/extending.md). */
const omegas = [...regulariserNames, "user"] as const;
export type RegulariserName = (typeof omegas)[number];

const weights = z.array(z.array(z.number()).readonly()).readonly();

/** λ·Ω, which pulls the tasks' own parameters together: docs/relating.md. */
export const regulariserSchema = z.strictObject({
  omega: z.enum(omegas).default("none"),
  lambda: z.number().min(0).default(0),
  /** Which parts are related; default `encoder`. */
  on: z.enum(["encoder", "decoder", "heads"]).default("encoder"),
  /** `graph`: pairs of tasks that are to be alike, with how much so. */
  edges: z
    .array(
      z.strictObject({
        between: z.tuple([z.string(), z.string()]).readonly(),
        /** Default 1. */
        weight: z.number().min(0).default(1),
      }),
    )
    .readonly()
    .optional(),
  /** `graph`: the same as a symmetric matrix over all tasks in the job's order; its diagonal says nothing. */
  similarity: weights.optional(),
  /** `graph`: a symmetric, positive semidefinite matrix in place of a graph's Laplacian. */
  laplacian: weights.optional(),
  /** `mtrl` and `clustered`: steps from one refresh of what is learned to the next; default 10. */
  everySteps: z.int().min(1).optional(),
  /** `mtrl`: added to Ω's diagonal, so that it has an inverse; default 0.001. */
  epsilon: z.number().gt(0).optional(),
  /** `clustered`: how many clusters. */
  clusters: z.int().min(1).optional(),
  /** `clustered`: how much tasks of a cluster may differ; default 0.1. */
  eta: z.number().gt(0).optional(),
  /** `robust` and `dirty`: how strong the norm of the sparse part is; default: lambda. */
  sparse: z.number().min(0).optional(),
  /** `user`: in the extension's record `regularisers`. */
  name: z.string().min(1).optional(),
  /** `user`: what it reads. */
  options: z.record(z.string(), z.number()).optional(),
});

export type ParsedRegulariser = z.output<typeof regulariserSchema>;

/** Which fields, besides those of every regulariser, each one has. */
export const regulariserFields: {
  readonly [Name in RegulariserName]: readonly (keyof ParsedRegulariser)[];
} = {
  none: [],
  mean: [],
  graph: ["edges", "similarity", "laplacian"],
  l21: [],
  trace: [],
  clustered: ["clusters", "eta", "everySteps"],
  mtrl: ["epsilon", "everySteps"],
  robust: ["sparse"],
  dirty: ["sparse"],
  user: ["name", "options"],
};

/** Those with a step of their own after the optimiser's, in place of a gradient. */
export const proximalRegularisers: readonly RegulariserName[] = ["l21", "trace", "robust", "dirty"];

/** With the defaults of its own fields; a graph's edges are a matrix. */
export type ResolvedRegulariser = Pick<ParsedRegulariser, "omega" | "lambda" | "on"> &
  Partial<
    Pick<
      ParsedRegulariser,
      | "similarity"
      | "laplacian"
      | "everySteps"
      | "epsilon"
      | "clusters"
      | "eta"
      | "sparse"
      | "name"
      | "options"
    >
  >;

export function completeRegulariser(
  regulariser: ParsedRegulariser,
  tasks: readonly string[],
): ResolvedRegulariser {
  const { omega, lambda, on } = regulariser;
  const base = { omega, lambda, on };
  const everySteps = regulariser.everySteps ?? 10;
  switch (omega) {
    case "graph": {
      const { laplacian, similarity, edges } = regulariser;
      if (laplacian) return { ...base, laplacian };
      return { ...base, similarity: similarity ?? similarityOf(edges ?? [], tasks) };
    }
    case "clustered":
      return { ...base, clusters: regulariser.clusters ?? 1, eta: regulariser.eta ?? 0.1, everySteps };
    case "mtrl":
      return { ...base, epsilon: regulariser.epsilon ?? 0.001, everySteps };
    case "robust":
    case "dirty":
      return { ...base, sparse: regulariser.sparse ?? lambda };
    case "user":
      return { ...base, name: regulariser.name ?? "", options: regulariser.options ?? {} };
    default:
      return base;
  }
}

function similarityOf(
  edges: NonNullable<ParsedRegulariser["edges"]>,
  tasks: readonly string[],
): readonly (readonly number[])[] {
  const matrix = tasks.map(() => tasks.map(() => 0));
  for (const { between, weight } of edges) {
    const [row = -1, column = -1] = between.map((name) => tasks.indexOf(name));
    for (const [a, b] of [
      [row, column],
      [column, row],
    ] as const) {
      const line = matrix[a];
      if (line) line[b] = weight;
    }
  }
  return matrix;
}

/** What a job says about a regulariser beyond λ, every default filled in; each reads what it knows. */
export interface ResolvedRegulariserOptions {
  /** Learned ones: updates from one refresh of what they learn to the next. */
  readonly everySteps?: number | undefined;
  /** `mtrl`: what is added to Ω's diagonal. */
  readonly epsilon?: number | undefined;
  /** `clustered`: the number k of clusters, and η. */
  readonly clusters?: number | undefined;
  readonly eta?: number | undefined;
  /** `graph`: row-major T×T over all tasks of the job, either weights of edges or the Laplacian itself. */
  readonly similarity?: readonly number[];
  readonly laplacian?: readonly number[];
  /** `robust` and `dirty`: of the sparse part. */
  readonly sparse?: number | undefined;
  /** `user`: the extension's own. */
  readonly user?: Readonly<Record<string, number>>;
}

/** What a run's bits depend on; null where nothing is related. */
export function regulariserParts({ regulariser }: { readonly regulariser: ResolvedRegulariser }): {
  readonly omega: RegulariserName | `user:${string}`;
  readonly lambda: number;
  readonly options?: ResolvedRegulariserOptions;
} | null {
  const { omega, lambda, on: _on, similarity, laplacian, name, options: own, ...numbers } = regulariser;
  if (omega === "none") return null;
  if (omega === "user") return { omega: `user:${name ?? ""}`, lambda, options: { user: own ?? {} } };
  const options = {
    ...numbers,
    ...(similarity && { similarity: similarity.flat() }),
    ...(laplacian && { laplacian: laplacian.flat() }),
  };
  return { omega, lambda, ...(Object.keys(options).length > 0 && { options }) };
}
