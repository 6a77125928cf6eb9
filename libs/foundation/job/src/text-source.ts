import { z } from "zod";

const file = z.string().min(1, "expected a path");
/** Read one after the other, as if they were one. */
const files = z.union([file, z.array(file).min(1, "expected one file or more")]);

const vocabularySchema = z.strictObject({
  /** Files whose lines are counted. Tasks that share layers need one vocabulary: name the same files in each. */
  from: files.optional(),
  /** Longest term: 1 for single words, 2 for pairs of neighbours too. Default 1. */
  words: z.number().int().min(1).max(3).optional(),
  /** At most so many terms, those of the most lines. Default 20,000. */
  most: z.number().int().positive().optional(),
  /** A term must be in so many lines. Default 2. */
  leastLines: z.number().int().positive().optional(),
});

/** Texts, one a line, as what is known of their words. */
export const textSourceSchema = z
  .strictObject({
    /** Lines `label<TAB>text`. */
    train: files.optional(),
    /** Test lines of their own, of the same form; needs `train`. */
    test: files.optional(),
    /** Lines of text, trained on without a label; what is before a tab is not read. */
    unlabelled: files.optional(),
    /** Which words count; default: counted in the files of `train` and `unlabelled`. */
    vocabulary: vocabularySchema.optional(),
    /** What a term counts for that is c times in a line: `log`: 1 + ln c (default); `plain`: c; `binary`: 1. */
    counts: z.enum(["log", "plain", "binary"]).optional(),
    /** Times ln((1 + lines) / (1 + lines with the term)) + 1. Default true. */
    idf: z.boolean().optional(),
    /** `l2`: the row is brought to length 1 (default). */
    norm: z.enum(["l2", "none"]).optional(),
  })
  .superRefine((text, context) => {
    if (text.train === undefined && text.unlabelled === undefined)
      context.addIssue({ code: "custom", path: ["train"], message: "is missing, and so is unlabelled" });
    if (text.train === undefined && text.test !== undefined)
      context.addIssue({ code: "custom", path: ["test"], message: "needs train beside it" });
  });

export type TextSource = z.infer<typeof textSourceSchema>;
