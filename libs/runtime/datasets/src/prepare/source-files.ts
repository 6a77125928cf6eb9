import path from "node:path";
import type { DataSource } from "@latentweave/job";
import type { DatasetEntry } from "../catalogue/dataset-entry.ts";
import { imageFiles } from "../catalogue/convert-images.ts";
import { tableFile } from "../catalogue/convert-table.ts";

/** A source with its catalogue name resolved and every path absolute: where the bytes come from. */
export type SourceFiles =
  | { readonly kind: "csv"; readonly file: string }
  | { readonly kind: "npy"; readonly x: string; readonly y: string | undefined }
  | { readonly kind: "npz"; readonly file: string; readonly x: string; readonly y: string | undefined }
  | {
      readonly kind: "idx";
      readonly images: string;
      readonly labels: string | undefined;
      readonly testImages: string | undefined;
      readonly testLabels: string | undefined;
    }
  | {
      readonly kind: "text";
      readonly train: readonly string[];
      readonly test: readonly string[];
      readonly unlabelled: readonly string[];
      /** Those whose words are counted. */
      readonly vocabulary: readonly string[];
    };

/** @param dataset where the catalogue's data set lies, when the source names one */
export function sourceFiles(
  source: DataSource,
  baseDirectory: string,
  dataset: { readonly entry: DatasetEntry; readonly directory: string } | undefined,
): SourceFiles {
  const at = (file: string): string => path.resolve(baseDirectory, file);
  const maybe = (file: string | undefined): string | undefined => (file === undefined ? undefined : at(file));
  if (dataset) {
    const inside = (file: string): string => path.join(dataset.directory, file);
    if (dataset.entry.kind === "table") return { kind: "csv", file: inside(tableFile) };
    return {
      kind: "idx",
      images: inside(imageFiles.trainImages),
      labels: inside(imageFiles.trainLabels),
      testImages: inside(imageFiles.testImages),
      testLabels: inside(imageFiles.testLabels),
    };
  }
  if (source.csv !== undefined) return { kind: "csv", file: at(source.csv) };
  if (source.npy) return { kind: "npy", x: at(source.npy.x), y: maybe(source.npy.y) };
  if (source.npz) return { kind: "npz", file: at(source.npz.file), x: source.npz.x, y: source.npz.y };
  if (source.idx) {
    const { images, labels, testImages, testLabels } = source.idx;
    return {
      kind: "idx",
      images: at(images),
      labels: maybe(labels),
      testImages: maybe(testImages),
      testLabels: maybe(testLabels),
    };
  }
  if (source.text) {
    const all = (files: string | readonly string[] | undefined): string[] => [files ?? []].flat().map(at);
    const { train, test, unlabelled, vocabulary } = source.text;
    const own = [...all(train), ...all(unlabelled)];
    return {
      kind: "text",
      train: all(train),
      test: all(test),
      unlabelled: all(unlabelled),
      vocabulary: vocabulary?.from === undefined ? own : all(vocabulary.from),
    };
  }
  throw new Error("a data source without an origin passed the schema");
}

/** Every file that is read, each once, in a fixed order. */
export function filesOf(files: SourceFiles): string[] {
  switch (files.kind) {
    case "csv":
    case "npz":
      return [files.file];
    case "npy":
      return [files.x, ...(files.y === undefined ? [] : [files.y])];
    case "idx":
      return [files.images, files.labels, files.testImages, files.testLabels].filter(
        (file) => file !== undefined,
      );
    case "text":
      return [...new Set([...files.train, ...files.test, ...files.unlabelled, ...files.vocabulary])];
  }
}
