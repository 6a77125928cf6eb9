import type { TextSource } from "@latentweave/job";
import { UserError } from "@latentweave/protocol";
import { readUserFile, sha256Of } from "../files.ts";
import { decodeLines, textsOf } from "./lines.ts";
import { countVocabulary, type Vocabulary, type VocabularyOptions } from "./vocabulary.ts";
import { wordsOf } from "./words.ts";

const defaults: VocabularyOptions = { words: 1, most: 20_000, leastLines: 2 };

/** The newest one: tasks that share a vocabulary are prepared one after the other, and it is the dear part of it. */
let newest: { readonly key: string; readonly vocabulary: Vocabulary } | undefined;

/**
 * The vocabulary of these files: of their words, never of their labels.
 * @throws UserError when no term is in enough lines
 */
export async function findVocabulary(
  files: readonly string[],
  options: TextSource["vocabulary"],
): Promise<Vocabulary> {
  const chosen: VocabularyOptions = {
    words: options?.words ?? defaults.words,
    most: options?.most ?? defaults.most,
    leastLines: options?.leastLines ?? defaults.leastLines,
  };
  const contents: Buffer[] = [];
  for (const file of files) contents.push(await readUserFile(file));
  const key = JSON.stringify([chosen, contents.map((content) => sha256Of(content))]);
  if (newest?.key === key) return newest.vocabulary;
  const lines = contents.flatMap((content) => textsOf(decodeLines(content).lines).map(wordsOf));
  const vocabulary = countVocabulary(lines, chosen);
  if (vocabulary.terms.length === 0)
    throw new UserError({
      what: `no word is in ${chosen.leastLines} lines`,
      where: files.join(", "),
      expected: "lines that have words in common",
      mend: "name more files in vocabulary.from, or lower vocabulary.leastLines",
    });
  newest = { key, vocabulary };
  return vocabulary;
}
