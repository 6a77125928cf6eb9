import { z } from "zod";

/**
 * What `prepare` leaves beside the shards: enough to read them, to undo the preprocessing and to know whether two
 * runs saw the same data. Coordinators hand it to workers; `dataHash` is part of a run's identity.
 * Invariant: nothing in it depends on the machine, the path or the time of preparing.
 */
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "expected a SHA-256 in lower-case hexadecimal");
const count = z.number().int().nonnegative();

const preparedShardSchema = z.strictObject({
  /** `<sha256>.arrow`, relative to the manifest. */
  file: z.string().regex(/^[0-9a-f]{64}\.arrow$/, "expected <sha256>.arrow"),
  rows: count,
  bytes: count,
  sha256,
});

const preparedSplitSchema = z.strictObject({
  rows: count,
  bytes: count,
  shards: z.array(preparedShardSchema),
});

const inputColumnSchema = z.strictObject({
  /** Type in the shards; readers always hand out float32. */
  dtype: z.enum(["uint8", "float32"]),
  /** Shape of one sample, e.g. [28, 28, 1]. */
  shape: z.array(z.number().int().positive()).min(1),
  /** Product of `shape`: numbers in one sample. */
  width: z.number().int().positive(),
  /** The shards hold the numbers that are not zero, and where in the row they are. */
  sparse: z.literal(true).optional(),
  /** Names of the numbers of a sample, one-hot columns spelled out ("island=Biscoe"), for tables. */
  names: z.array(z.string()).optional(),
});

/** How many targets are missing in a split: -1 in an int32 column, NaN in a float32 one; of several columns each counts. */
const unlabelledSchema = z.strictObject({ train: count, validation: count, test: count });

/** Of targets that have names each. */
const named = {
  /** Name of class or label 0, 1, ...; the order is the meaning of the targets. */
  names: z.array(z.string()),
  /** Names of those that no training row has; left out where there are none. */
  absent: z.array(z.string()).optional(),
  unlabelled: unlabelledSchema.optional(),
};

const targetColumnSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("class"),
    dtype: z.literal("int32"),
    classes: z.number().int().positive(),
    ...named,
  }),
  /** Each of several labels may be there (1) or not (0). */
  z.strictObject({
    kind: z.literal("labels"),
    dtype: z.literal("float32"),
    width: z.number().int().positive(),
    ...named,
  }),
  z.strictObject({
    kind: z.literal("number"),
    dtype: z.literal("float32"),
    width: z.number().int().positive(),
    names: z.array(z.string()).optional(),
    unlabelled: unlabelledSchema.optional(),
  }),
]);

const fittedScaleSchema = z.strictObject({
  kind: z.enum(["none", "unit", "minmax", "standard"]),
  /** Read as float32((stored - offset) / divisor); one entry for all numbers of a sample, or one for each. */
  offset: z.array(z.number()).min(1),
  divisor: z.array(z.number()).min(1),
});

/** How lines of text became rows: term i of the vocabulary is number i of a row. */
const textPreprocessingSchema = z.strictObject({
  /** `<sha256>.arrow` beside the shards: `term` utf8 and `lines` int32, the lines that each term is in. */
  vocabulary: z.strictObject({
    file: preparedShardSchema.shape.file,
    bytes: count,
    sha256,
    terms: z.number().int().positive(),
    /** Lines that were counted. */
    counted: count,
    /** Longest term, in words. */
    words: z.number().int().positive(),
  }),
  counts: z.enum(["log", "plain", "binary"]),
  idf: z.boolean(),
  norm: z.enum(["l2", "none"]),
});

const preprocessingSchema = z.strictObject({
  scale: fittedScaleSchema,
  oneHot: z.array(z.strictObject({ column: z.string(), values: z.array(z.string()) })),
  /** Samples were brought to this width: images averaged down, zeros at the end. Then `x.names` leaves the zeros out. */
  width: z.number().int().positive().optional(),
  text: textPreprocessingSchema.optional(),
});

export const preparedManifestSchema = z.strictObject({
  format: z.literal("latentweave-prepared"),
  version: z.literal(1),
  /** SHA-256 of this manifest without this field, as JSON with sorted keys and no white space. */
  dataHash: sha256,
  x: inputColumnSchema,
  y: targetColumnSchema.nullable(),
  preprocessing: preprocessingSchema,
  splits: z.strictObject({
    train: preparedSplitSchema,
    validation: preparedSplitSchema,
    test: preparedSplitSchema,
  }),
});

export type PreparedManifest = z.infer<typeof preparedManifestSchema>;
export type PreparedSplit = z.infer<typeof preparedSplitSchema>;
export type PreparedShard = z.infer<typeof preparedShardSchema>;
export type PreparedTarget = z.infer<typeof targetColumnSchema>;
export type PreparedText = z.infer<typeof textPreprocessingSchema>;
export type FittedScale = z.infer<typeof fittedScaleSchema>;
export type SplitName = keyof PreparedManifest["splits"];

export const splitNames: readonly SplitName[] = ["train", "validation", "test"];
