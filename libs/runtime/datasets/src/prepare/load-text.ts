import type { TextSource } from "@latentweave/job";
import { type PreparedTarget, UserError } from "@latentweave/protocol";
import { readUserFile } from "../files.ts";
import { CategoryColumn } from "../formats/category-column.ts";
import { joinRows } from "../sparse-rows.ts";
import { findVocabulary } from "../text/find-vocabulary.ts";
import { decodeLines, type LabelledLine, labelledLines, textsOf } from "../text/lines.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import { lineWeigher, type Weighting } from "../text/weigh-line.ts";
import { wordsOf } from "../text/words.ts";
import type { LoadedRows, LoadedSource } from "./loaded-source.ts";
import type { SourceFiles } from "./source-files.ts";

export type TextFiles = Extract<SourceFiles, { kind: "text" }>;

/** What a row of an unlabelled line has in place of a label. */
const noLabel = -1;

function weightingOf({ counts = "log", idf = true, norm = "l2" }: TextSource): Weighting {
  return { counts, idf, norm };
}

/**
 * Lines of text as rows with one number for each term of the vocabulary. Unlabelled lines come after the labelled ones,
 * or, where there are no others, are the rows.
 * @param limit of the training, test and unlabelled lines each
 * @param known in place of counting one: the vocabulary that a model was trained with
 * @throws UserError naming file and line, or a label of the test lines that no training line has
 */
export async function loadText(
  files: TextFiles,
  source: TextSource,
  limit: number | undefined,
  known?: { readonly vocabulary: Vocabulary; readonly weighting: Weighting },
): Promise<LoadedSource> {
  const read = {
    train: await readLines(files.train, labelledLines, limit),
    test: files.test.length > 0 ? await readLines(files.test, labelledLines, limit) : undefined,
    unlabelled: await readLines(files.unlabelled, textsOf, limit),
  };
  const [train, test, unlabelled] = [read.train.lines, read.test?.lines, read.unlabelled.lines];
  if (train.length === 0 && unlabelled.length === 0)
    throw new UserError({
      what: "has no lines",
      where: [...files.train, ...files.unlabelled].join(", "),
      expected: "texts, one a line",
    });

  const vocabulary = known?.vocabulary ?? (await findVocabulary(files.vocabulary, source.vocabulary));
  const weighting = known?.weighting ?? weightingOf(source);
  const weigh = lineWeigher(vocabulary, weighting);
  const rows = (texts: readonly string[], y: LoadedRows["y"]): LoadedRows => ({
    rows: texts.length,
    x: joinRows(texts.map((text) => weigh(wordsOf(text)))),
    y,
  });
  const labels = files.train.length > 0 ? numberLabels(train, test, files) : undefined;
  const trainLabels = labels?.of(train) ?? [];
  return {
    x: {
      dtype: "float32",
      shape: [vocabulary.terms.length],
      width: vocabulary.terms.length,
      sparse: true,
    },
    y: labels?.target ?? null,
    categorical: undefined,
    oneHot: [],
    train: rows(
      [...train.map(({ text }) => text), ...unlabelled],
      labels && Int32Array.from([...trainLabels, ...unlabelled.map(() => noLabel)]),
    ),
    ...(labels && unlabelled.length > 0 && { unlabelledRows: unlabelled.length }),
    test:
      test &&
      rows(
        test.map(({ text }) => text),
        Int32Array.from(labels?.of(test) ?? []),
      ),
    text: { vocabulary, weighting },
    notes: encodingNotes(
      read.train.otherEncoding + (read.test?.otherEncoding ?? 0) + read.unlabelled.otherEncoding,
    ),
  };
}

function encodingNotes(lines: number): string[] {
  if (lines === 0) return [];
  return [
    lines === 1
      ? "one line is not UTF-8 and was read as Windows-1252"
      : `${lines} lines are not UTF-8 and were read as Windows-1252`,
  ];
}

/** The first `limit` lines of files that are read one after the other, and how many lines of the files were not UTF-8. */
async function readLines<Line>(
  files: readonly string[],
  parse: (lines: readonly string[], file: string) => readonly Line[],
  limit: number | undefined,
): Promise<{ readonly lines: readonly Line[]; readonly otherEncoding: number }> {
  const read = await Promise.all(
    files.map(async (file) => {
      const { lines, otherEncoding } = decodeLines(await readUserFile(file));
      return { lines: parse(lines, file), otherEncoding };
    }),
  );
  return {
    lines: read.flatMap(({ lines }) => lines).slice(0, limit),
    otherEncoding: read.reduce((sum, one) => sum + one.otherEncoding, 0),
  };
}

interface NumberedLabels {
  readonly target: PreparedTarget & { readonly kind: "class" };
  readonly of: (lines: readonly LabelledLine[]) => number[];
}

/** Classes in the order of their values, as elsewhere; those of the training lines alone. */
function numberLabels(
  train: readonly LabelledLine[],
  test: readonly LabelledLine[] | undefined,
  { test: testFiles }: TextFiles,
): NumberedLabels {
  const column = new CategoryColumn();
  for (const { label } of train) column.indexOf(label);
  const { values } = column.sorted();
  const places = new Map(values.map((value, place) => [value, place]));
  const unknown = test?.find(({ label }) => !places.has(label));
  if (unknown)
    throw new UserError({
      what: `has the label "${unknown.label}", which no training line has`,
      where: testFiles.join(", "),
      expected: values.slice(0, 10).join(", "),
      mend: "mend the label, or add lines of that class to the training files",
    });
  return {
    target: { kind: "class", dtype: "int32", classes: values.length, names: [...values] },
    of: (lines) => lines.map(({ label }) => places.get(label) as number),
  };
}
