import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countVocabulary, type VocabularyOptions } from "./vocabulary.ts";

/** The same by counting every run of words, whatever it begins with. */
function counted(lines: readonly (readonly string[])[], options: VocabularyOptions): [string, number][] {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const terms = new Set<string>();
    for (let start = 0; start < line.length; start++)
      for (let length = 1; length <= options.words && start + length <= line.length; length++)
        terms.add(line.slice(start, start + length).join(" "));
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count >= options.leastLines)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, options.most);
}

describe("a vocabulary", () => {
  it("has the terms of the most lines, once for each line that they are in", () => {
    const lines = ["not good", "not good not good", "good film", "a film"].map((line) => line.split(" "));
    const found = countVocabulary(lines, { words: 2, most: 4, leastLines: 2 });
    expect(found.terms).toEqual(["good", "film", "not", "not good"]);
    expect([...found.lines]).toEqual([3, 2, 2, 2]);
    expect(found.counted).toBe(4);
  });

  it("is the one that counting all runs of words gives", () => {
    const line = fc.array(fc.constantFrom("a", "b", "c", "n't", "!"), { maxLength: 8 });
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        fc.record({ words: fc.nat(2), most: fc.nat(20), leastLines: fc.nat(2) }),
        (lines, { words, most, leastLines }) => {
          const options = { words: words + 1, most: most + 1, leastLines: leastLines + 1 };
          const { terms, lines: counts } = countVocabulary(lines, options);
          expect(terms.map((term, index) => [term, counts[index]])).toEqual(counted(lines, options));
        },
      ),
    );
  });
});
