import { z } from "zod";
import { textSourceSchema } from "./text-source.ts";

/** Names of the catalogue (`latentweave data list`); libs/runtime/datasets holds an entry for each. */
export const datasetNames = [
  "mnist",
  "fashion-mnist",
  "iris",
  "penguins",
  "cars",
  "seattle-weather",
] as const;
export type DatasetName = (typeof datasetNames)[number];

const fraction = z
  .number()
  .min(0, "expected a fraction from 0 to below 1")
  .lt(1, "expected a fraction from 0 to below 1");
const path = z.string().min(1, "expected a path");
const column = z.string().min(1, "expected a column's name");

const splitSchema = z.strictObject({
  /** Part of the training rows set aside for validation. Default 0. */
  validation: fraction.optional(),
  /** Part of all rows set aside for the test. Default 0.2; not allowed where the source brings its own test rows. */
  test: fraction.optional(),
  /** At most so many training rows, by the same dealing; validation and test rows stay as they are. Default: all. */
  trainRows: z.number().int().positive().optional(),
  /** Labels of at most so many of those training rows are kept; the others are used without. Default: all. */
  labelledRows: z.number().int().positive().optional(),
  /** Another seed deals the rows anew. Default 0. */
  seed: z.number().int().nonnegative().optional(),
});

const origins = ["dataset", "csv", "npy", "npz", "idx", "text", "user"] as const;

const forTables = ["features", "target", "oneHot", "missing"] as const;

const notForText = [
  "features",
  "target",
  "targetKind",
  "oneHot",
  "missing",
  "classes",
  "unlabelled",
  "scale",
  "reshape",
  "width",
] as const;

/**
 * A task's data: exactly one origin (`dataset`, `csv`, `npy`, `npz`, `idx`, `text` or `user`) and how to prepare it. Paths are
 * relative to the job's file.
 *
 * @example { dataset: "mnist" }
 * @example { csv: "wine.csv", target: "quality", scale: "standard", split: { test: 0.1 } }
 * @example { text: { train: "reviews.train", test: "reviews.test", vocabulary: { words: 2 } } }
 */
export const dataSourceSchema = z
  .strictObject({
    /** A name of the catalogue. */
    dataset: z.enum(datasetNames).optional(),
    /** A table with a header line; tab-separated where the name ends in .tsv. */
    csv: path.optional(),
    /** NumPy arrays whose first axis counts samples. */
    npy: z.strictObject({ x: path, y: path.optional() }).optional(),
    /** Two arrays of one .npz archive, by name. */
    npz: z.strictObject({ file: path, x: z.string().min(1), y: z.string().min(1).optional() }).optional(),
    /** IDX files as MNIST's, plain or .gz; `testImages` and `testLabels` bring test rows of their own. */
    idx: z
      .strictObject({
        images: path,
        labels: path.optional(),
        testImages: path.optional(),
        testLabels: path.optional(),
      })
      .optional(),
    /** A data set of the job's extensions: docs/extending.md. */
    user: z
      .strictObject({ name: z.string().min(1), options: z.record(z.string(), z.unknown()).optional() })
      .optional(),
    /** Texts, one a line: a row has one number for every term of a vocabulary. */
    text: textSourceSchema.optional(),

    /** Tables: the input columns. Default: every column that is not a target. */
    features: z.array(column).min(1).optional(),
    /** Tables: the column, or columns of numbers, to be predicted. */
    target: z.union([column, z.array(column).min(1)]).optional(),
    /**
     * `class`: labels become 0, 1, ... `labels`: several columns or numbers of a row, each 1 where its label is there and
     * 0 where it is not. Default: `class` for text and for integer arrays, else `number`.
     */
    targetKind: z.enum(["class", "labels", "number"]).optional(),
    /**
     * The classes that there are: so many, called 0, 1, ..., or these names in this order; any other label is an error.
     * Default: those that the data have.
     */
    classes: z
      .union([
        z.number().int().min(2, "expected 2 classes or more"),
        z.array(z.string().min(1)).min(2, "expected 2 classes or more"),
      ])
      .optional(),
    /**
     * Rows may be without a label: their cell is empty or NaN, or, where this is not `true`, has this value. They train
     * what needs no label. Default: such a row is an error.
     */
    unlabelled: z.union([z.literal(true), z.number(), z.string().min(1)]).optional(),
    /** Tables: input columns of categories, each spread over one 0/1 number per value. */
    oneHot: z.array(column).optional(),
    /** Tables: what to do with rows that have an empty cell. Default `error`. */
    missing: z.enum(["error", "drop"]).optional(),

    /** `unit`: bytes / 255. `minmax` and `standard` are fitted on training rows. Default: `unit` for bytes, else `none`. */
    scale: z.enum(["none", "unit", "minmax", "standard"]).optional(),
    /** Shape of one sample, in place of the source's own; the number of numbers must stay. */
    reshape: z.array(z.number().int().positive()).min(1).optional(),
    /**
     * Brings samples of any shape to rows of this width: tables get zeros at the end, larger images are averaged down
     * to the largest square that fits first. So tasks of different shape can enter the same layers.
     */
    width: z.number().int().positive().optional(),
    /** Keeps the first rows only (of the training and of the test rows each), for small runs. */
    limit: z.number().int().positive().optional(),
    split: splitSchema.optional(),
  })
  .superRefine((source, context) => {
    const given = origins.filter((origin) => source[origin] !== undefined);
    if (given.length !== 1) {
      context.addIssue({
        code: "custom",
        message: `expected exactly one of ${origins.join(", ")}; ${given.length === 0 ? "none is given" : `given: ${given.join(", ")}`}`,
      });
    }
    const refuse = (fields: readonly (typeof notForText)[number][], message: string): void => {
      for (const field of fields)
        if (source[field] !== undefined) context.addIssue({ code: "custom", path: [field], message });
    };
    if (source.text !== undefined)
      refuse(notForText, "is not for text: its rows are made by its own counts, idf and norm");
    if (source.text?.unlabelled !== undefined && source.split?.labelledRows !== undefined)
      context.addIssue({
        code: "custom",
        path: ["split", "labelledRows"],
        message:
          "does not go with text.unlabelled: give the text's own lines without label, or take labels away",
      });
    const isArray =
      source.npy !== undefined ||
      source.npz !== undefined ||
      source.idx !== undefined ||
      source.user !== undefined;
    if (isArray) refuse(forTables, "is for tables (csv, or a table of the catalogue) only");
    if (source.classes !== undefined && (source.targetKind ?? "class") !== "class") {
      context.addIssue({
        code: "custom",
        path: ["classes"],
        message: `does not go with targetKind "${source.targetKind ?? ""}"`,
      });
    }
    if (Array.isArray(source.classes) && new Set(source.classes).size < source.classes.length) {
      context.addIssue({ code: "custom", path: ["classes"], message: "names a class twice" });
    }
    if (source.width !== undefined && source.reshape !== undefined) {
      context.addIssue({
        code: "custom",
        path: ["reshape"],
        message: "does not go with width, which makes rows of samples",
      });
    }
    const { validation = 0, test = 0 } = source.split ?? {};
    if (validation + test >= 1) {
      context.addIssue({
        code: "custom",
        path: ["split"],
        message: "validation and test leave no rows for training",
      });
    }
    if (source.idx?.testLabels !== undefined && source.idx.testImages === undefined) {
      context.addIssue({
        code: "custom",
        path: ["idx", "testLabels"],
        message: "needs testImages beside it",
      });
    }
  });

export type DataSource = z.infer<typeof dataSourceSchema>;
