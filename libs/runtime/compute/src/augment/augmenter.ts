import type { Arithmetic } from "@latentweave/arithmetic";
import type { AugmentPlan, AugmentSpec } from "@latentweave/model";
import type { KeyedRandom } from "../layers/keyed-random.ts";
import { brightness, contrast, jitter } from "./change-levels.ts";
import type { Change, Image } from "./change.ts";
import { cutout, flip, shift } from "./move-pixels.ts";
import { type Turn, turn } from "./turn-image.ts";

/**
 * Changes training samples before anything else sees them. No TensorFlow: exact arithmetic on the rows, so that the bits
 * follow from the keys alone, on every backend and with recorded programs, whose input the rows are.
 * @param x [samples, ...], left as it is
 * @param random draws of the change with this index in the task's list
 * @returns as many numbers, the caller's
 */
export type Augmenter = (
  x: Float32Array,
  samples: number,
  random: (index: number) => KeyedRandom,
) => Float32Array;

/** Keeps scratch memory of one sample for each change: not for two calls at once. */
export function createAugmenter(plan: AugmentPlan, arithmetic: Arithmetic): Augmenter {
  const changes = changesOf(plan, arithmetic);
  return (x, samples, random) => {
    const changed = x.slice();
    const width = x.length / samples;
    const drawn = changes.map((change) => change(samples, random));
    for (let index = 0; index < samples; index++) {
      const sample = changed.subarray(index * width, (index + 1) * width);
      for (const apply of drawn) apply(sample, index);
    }
    return changed;
  };
}

function changesOf(plan: AugmentPlan, arithmetic: Arithmetic): Change[] {
  const changes: Change[] = [];
  for (let index = 0; index < plan.changes.length; index++) {
    const turns = turnsFrom(plan.changes, index);
    if (turns.length === 0) {
      changes.push(changeOf(plan, plan.changes[index] as Exclude<AugmentSpec, Turn>, index));
      continue;
    }
    changes.push(turn(turns, imageOf(plan), plan.black, arithmetic));
    index += turns.length - 1;
  }
  return changes;
}

/** The turns that follow each other from this one on. */
function turnsFrom(changes: readonly AugmentSpec[], start: number): (readonly [number, Turn])[] {
  const turns: (readonly [number, Turn])[] = [];
  for (let index = start; index < changes.length; index++) {
    const change = changes[index] as AugmentSpec;
    if (change.kind !== "rotate" && change.kind !== "scale") break;
    turns.push([index, change]);
  }
  return turns;
}

function changeOf(plan: AugmentPlan, change: Exclude<AugmentSpec, Turn>, index: number): Change {
  const { black, range } = plan;
  switch (change.kind) {
    case "flip":
      return flip(index, change, imageOf(plan));
    case "shift":
      return shift(index, change.pixels, imageOf(plan), black);
    case "cutout":
      return cutout(index, change, imageOf(plan), black);
    case "brightness":
      return brightness(index, change.amount, black, range);
    case "contrast":
      return contrast(index, change.amount, range);
    case "jitter":
      return jitter(index, change.deviation, range, plan.categories);
  }
}

/** @throws RangeError: a plan with changes of images is made for images alone */
function imageOf({ image }: AugmentPlan): Image {
  if (image === null) throw new RangeError("changes of images need an image's shape");
  return image;
}
