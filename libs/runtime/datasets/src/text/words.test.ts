import { describe, expect, it } from "vitest";
import { wordsOf } from "./words.ts";

describe("the words of a text", () => {
  it("are the same whether contractions were split before or not", () => {
    const words = ["it", "s", "not", "bad", "i", "do", "n't", "mind", "!"];
    expect(wordsOf("It's not bad, I don't mind!")).toEqual(words);
    expect(wordsOf("it 's not bad , i do n't mind !")).toEqual(words);
    expect(wordsOf("it’s not bad; i don’t mind!")).toEqual(words);
  });

  it("are letters and digits of any script, and n't only at a word's end", () => {
    expect(wordsOf("René paid 12.50 — «très» bon?")).toEqual([
      "rené",
      "paid",
      "12",
      "50",
      "très",
      "bon",
      "?",
    ]);
    expect(wordsOf("n'then rock n'tune")).toEqual(["n", "then", "rock", "n", "tune"]);
    expect(wordsOf(" \t...")).toEqual([]);
  });
});
