import { readFile } from "node:fs/promises";
import path from "node:path";
import type { DataSource } from "@latentweave/job";
import { type PreparedManifest, type PreparedText, UserError } from "@latentweave/protocol";
import { sha256Of } from "../files.ts";
import { isSparse, spreadRow } from "../sparse-rows.ts";
import { decodeVocabulary } from "../text/vocabulary-file.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import { loadText } from "./load-text.ts";
import type { SourceFiles } from "./source-files.ts";

/**
 * Lines of text as inputs of a model that was trained on text: by the vocabulary and the counts of its own training
 * lines, which lie with its prepared data. Words that these do not have are left out.
 * @throws UserError where only one of the two is text, or the vocabulary is gone
 */
export async function readTextInputs(
  files: SourceFiles,
  source: DataSource,
  manifest: PreparedManifest,
  { cacheDirectory }: { readonly cacheDirectory: string },
): Promise<{ readonly rows: number; readonly x: Float32Array }> {
  const { text } = manifest.preprocessing;
  if (!text || files.kind !== "text")
    throw new UserError({
      what: text ? "the data are no text" : "the data are text",
      where: "the data",
      expected: text
        ? "a text, as the model was trained on"
        : "data of the kind that the model was trained on",
    });
  const vocabulary = await readVocabulary(text, path.join(cacheDirectory, "prepared", manifest.dataHash));
  const weighting = { counts: text.counts, idf: text.idf, norm: text.norm };
  const loaded = await loadText(files, source.text ?? {}, source.limit, { vocabulary, weighting });
  const parts = [loaded.train, ...(loaded.test ? [loaded.test] : [])];
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const { width } = manifest.x;
  const x = new Float32Array(rows * width);
  let at = 0;
  for (const part of parts) {
    if (!isSparse(part.x)) continue;
    for (let row = 0; row < part.rows; row++, at++) spreadRow(part.x, row, width, x, at * width);
  }
  return { rows, x };
}

async function readVocabulary({ vocabulary }: PreparedText, directory: string): Promise<Vocabulary> {
  const file = path.join(directory, vocabulary.file);
  const problem = (what: string, cause?: unknown): UserError =>
    new UserError({
      what,
      where: file,
      mend: `delete ${directory}; the data are prepared again when needed`,
      cause,
    });
  const bytes = await readFile(file).catch((error: unknown) => {
    throw problem("the vocabulary of prepared data cannot be read", error);
  });
  if (sha256Of(bytes) !== vocabulary.sha256) throw problem("the vocabulary of prepared data is damaged");
  return decodeVocabulary(bytes, vocabulary);
}
