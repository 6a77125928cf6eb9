import { readFile } from "node:fs/promises";
import path from "node:path";
import type { DataSource } from "@latentweave/job";
import { type PreparedManifest, type PreparedText, UserError } from "@latentweave/protocol";
import { sha256Of } from "../files.ts";
import { decodeVocabulary } from "../text/vocabulary-file.ts";
import type { Vocabulary } from "../text/vocabulary.ts";
import { loadText } from "./load-text.ts";
import type { LoadedSource } from "./loaded-source.ts";
import type { SourceFiles } from "./source-files.ts";

/**
 * Lines of text for a model that was trained on text: by the vocabulary and the counts of its own training lines, which
 * lie with its prepared data. Words that these do not have are left out.
 * @throws UserError where only one of the two is text, or the vocabulary is gone
 */
export async function loadTextInputs(
  files: SourceFiles,
  source: DataSource,
  manifest: PreparedManifest,
  { cacheDirectory }: { readonly cacheDirectory: string },
): Promise<LoadedSource> {
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
  return await loadText(files, source.text ?? {}, source.limit, { vocabulary, weighting });
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
