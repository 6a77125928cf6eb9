import { describe, expect, it } from "vitest";
import { dataSourceSchema } from "./data-source.ts";

/** `path: message` of every problem; empty when the source is fine. */
function problems(source: unknown): string[] {
  const parsed = dataSourceSchema.safeParse(source);
  return parsed.error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

describe("a task's data", () => {
  it("may come from the catalogue, a table, arrays or IDX files", () => {
    for (const source of [
      { dataset: "mnist", limit: 1000, reshape: [784] },
      { csv: "a.csv", target: ["x", "y"], oneHot: ["c"], missing: "drop", scale: "standard" },
      { npy: { x: "x.npy", y: "y.npy" }, targetKind: "class" },
      { npz: { file: "a.npz", x: "images" }, split: { validation: 0.1, test: 0.1, seed: 3 } },
      { idx: { images: "i", labels: "l", testImages: "ti", testLabels: "tl" }, scale: "none" },
      { text: { train: ["a", "b"], test: "t", vocabulary: { from: ["a"], words: 2, most: 10 } }, limit: 9 },
      { text: { unlabelled: "lines.txt", counts: "binary", idf: false, norm: "none" } },
      { dataset: "mnist", classes: 10, unlabelled: -1, split: { labelledRows: 100 } },
      { csv: "a.csv", target: ["a", "b"], targetKind: "labels", unlabelled: true },
    ]) {
      expect(problems(source)).toEqual([]);
    }
  });

  it("must have exactly one origin", () => {
    expect(problems({ scale: "none" })).toEqual([
      ": expected exactly one of dataset, csv, npy, npz, idx, text, user; none is given",
    ]);
    expect(problems({ csv: "a", dataset: "iris" })[0]).toContain("given: dataset, csv");
  });

  it("refuses unknown keys and names, table fields on arrays, and splits that leave nothing", () => {
    expect(problems({ dataset: "cifar" })[0]).toMatch(/^dataset: .*"mnist"/);
    expect(problems({ csv: "a.csv", scael: "unit" })[0]).toContain("scael");
    expect(problems({ npy: { x: "x.npy" }, target: "y" })).toEqual([
      "target: is for tables (csv, or a table of the catalogue) only",
    ]);
    expect(problems({ csv: "a.csv", split: { validation: 0.5, test: 0.5 } })).toEqual([
      "split: validation and test leave no rows for training",
    ]);
    expect(problems({ csv: "a.csv", split: { test: 1 } })[0]).toContain(
      "expected a fraction from 0 to below 1",
    );
    expect(problems({ csv: "a.csv", target: "t", targetKind: "number", classes: 3 })).toEqual([
      'classes: does not go with targetKind "number"',
    ]);
    expect(problems({ csv: "a.csv", target: "t", classes: ["a", "a"] })).toEqual([
      "classes: names a class twice",
    ]);
    expect(problems({ idx: { images: "a", testLabels: "b" } })).toEqual([
      "idx.testLabels: needs testImages beside it",
    ]);
  });

  it("refuses a text without lines to train on, and fields that texts have not", () => {
    expect(problems({ text: {} })).toEqual(["text.train: is missing, and so is unlabelled"]);
    expect(problems({ text: { unlabelled: "a", test: "b" } })).toEqual(["text.test: needs train beside it"]);
    expect(problems({ text: { train: "a", vocabulary: { words: 4 } } })[0]).toContain(
      "text.vocabulary.words",
    );
    expect(problems({ text: { train: "a" }, scale: "standard", width: 5 })).toEqual([
      "scale: is not for text: its rows are made by its own counts, idf and norm",
      "width: is not for text: its rows are made by its own counts, idf and norm",
    ]);
  });
});
