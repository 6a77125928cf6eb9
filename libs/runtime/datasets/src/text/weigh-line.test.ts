import { describe, expect, it } from "vitest";
import { lineWeigher } from "./weigh-line.ts";

const vocabulary = {
  terms: ["good", "film", "not", "not good"],
  lines: Int32Array.of(3, 2, 2, 1),
  counted: 4,
  words: 2,
};
const words = "not good film , not good at all".split(" ");

describe("a row of a line", () => {
  it("has what scikit-learn's TfidfVectorizer gives for the same counts", () => {
    // sublinear_tf and smooth_idf: (1 + ln 2)(ln(5/4) + 1), ln(5/3) + 1, (1 + ln 2)(ln(5/3) + 1), (1 + ln 2)(ln(5/2) + 1)
    const weights = [2.0709620553, 1.5108256238, 2.5580501451, 3.2445622498];
    const length = Math.hypot(...weights);
    const row = lineWeigher(vocabulary, { counts: "log", idf: true, norm: "l2" })(words);
    expect(row.indices).toEqual([0, 1, 2, 3]);
    row.values.forEach((value, index) => expect(value).toBeCloseTo((weights[index] as number) / length, 9));
  });

  it("has plain or binary counts as they are, and nothing of words that are not in the vocabulary", () => {
    const plain = lineWeigher(vocabulary, { counts: "plain", idf: false, norm: "none" });
    expect(plain(words)).toEqual({ indices: [0, 1, 2, 3], values: [2, 1, 2, 2] });
    const binary = lineWeigher(vocabulary, { counts: "binary", idf: false, norm: "none" });
    expect(binary(["not", "not", "other"])).toEqual({ indices: [2], values: [1] });
    expect(lineWeigher(vocabulary, { counts: "log", idf: true, norm: "l2" })(["other"])).toEqual({
      indices: [],
      values: [],
    });
  });
});
