import { createHash } from "node:crypto";
import { loadArithmetic } from "@latentweave/arithmetic";
import type { AugmentPlan, AugmentSpec } from "@latentweave/model";
import { createAugmenter } from "../augment/augmenter.ts";
import { createRandomSource, type DrawPlace } from "../layers/keyed-random.ts";
import { uniform } from "./keyed.ts";

export const source = createRandomSource();
const arithmetic = loadArithmetic();
export const place: DrawPlace = { seed: 3, step: 5, round: 0, task: "digits", slot: 2 };
/** Every kind of change. */
export const everything: readonly AugmentSpec[] = [
  { kind: "flip", axis: "horizontal", rate: 0.5 },
  { kind: "flip", axis: "vertical", rate: 0.3 },
  { kind: "shift", pixels: 2 },
  { kind: "rotate", degrees: 30 },
  { kind: "scale", from: 0.8, to: 1.25 },
  { kind: "brightness", amount: 0.4 },
  { kind: "contrast", amount: 0.4 },
  { kind: "cutout", size: 3, rate: 0.7 },
  { kind: "jitter", deviation: 0.1 },
];

/** Of images of 7×9 pixels and two channels: 126 numbers. */
export function planOf(changes: readonly AugmentSpec[], more: Partial<AugmentPlan> = {}): AugmentPlan {
  return { changes, image: [7, 9, 2], black: 0, range: [0, 1], categories: [], ...more };
}

export function augmented(
  plan: AugmentPlan,
  x: Float32Array,
  samples: number,
  at: DrawPlace = place,
): Float32Array {
  return createAugmenter(plan, arithmetic)(x, samples, (index) =>
    source.at(at, `${at.task}/augment/${index}`),
  );
}

export const pixels = (count: number, ...key: (string | number)[]): Float32Array =>
  uniform(count, 0, 1, ...key);
export const digest = (values: Float32Array): string =>
  createHash("sha256")
    .update(Buffer.from(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex");
