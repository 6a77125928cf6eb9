import { loadArithmetic } from "@latentweave/arithmetic";
import type { Vocabulary } from "./vocabulary.ts";

/** How the number of a term's occurrences becomes a number of a row. */
export interface Weighting {
  readonly counts: "log" | "plain" | "binary";
  readonly idf: boolean;
  readonly norm: "l2" | "none";
}

/** The numbers of one row that are not zero, by rising index. */
export interface SparseRow {
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

/**
 * Rows of term frequency times inverse document frequency (Salton and Buckley 1988), as scikit-learn's TfidfVectorizer
 * has them with `smooth_idf`: (1 + ln c) · (ln((1 + lines) / (1 + lines with the term)) + 1), brought to length 1. Logarithms
 * are the project's own and sums go by rising index, so that a line gives the same bits everywhere.
 * @returns the row of a line's words
 */
export function lineWeigher(
  vocabulary: Vocabulary,
  weighting: Weighting,
): (words: readonly string[]) => SparseRow {
  const arithmetic = loadArithmetic();
  const places = new Map(vocabulary.terms.map((term, index) => [term, index]));
  const idf = Float64Array.from(vocabulary.lines, (lines) =>
    weighting.idf ? arithmetic.log((1 + vocabulary.counted) / (1 + lines)) + 1 : 1,
  );
  const frequency = {
    log: (count: number) => 1 + arithmetic.log(count),
    plain: (count: number) => count,
    binary: () => 1,
  }[weighting.counts];
  return (words) => {
    const counts = countTerms(words, places, vocabulary.words);
    const indices = [...counts.keys()].sort((a, b) => a - b);
    const weights = indices.map((index) => frequency(counts.get(index) as number) * (idf[index] as number));
    const length =
      weighting.norm === "none" ? 1 : Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0));
    return { indices, values: weights.map((weight) => weight / length) };
  };
}

/** How often each term of the vocabulary occurs, by its place there. */
function countTerms(
  words: readonly string[],
  places: ReadonlyMap<string, number>,
  longest: number,
): Map<number, number> {
  const counts = new Map<number, number>();
  for (let start = 0; start < words.length; start++) {
    let term = "";
    for (let length = 1; length <= longest && start + length <= words.length; length++) {
      const word = words[start + length - 1] as string;
      term = length === 1 ? word : `${term} ${word}`;
      const place = places.get(term);
      if (place !== undefined) counts.set(place, (counts.get(place) ?? 0) + 1);
    }
  }
  return counts;
}
