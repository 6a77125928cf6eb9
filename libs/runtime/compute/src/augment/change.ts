import type { KeyedRandom } from "../layers/keyed-random.ts";

/** Changes a sample in place. @param index which of the micro-batch it is */
export type SampleChange = (sample: Float32Array, index: number) => void;

/**
 * Draws what happens to each of so many samples. Nothing that is drawn for one depends on how many there are.
 * @param random draws of the change with this index in the task's list
 */
export type Change = (samples: number, random: (index: number) => KeyedRandom) => SampleChange;

/** Height, width, channels. */
export type Image = readonly [number, number, number];

/** A draw of [0, 1) spread over [low, high), in float64. */
export function spread(draw: number, low: number, high: number): number {
  return low + (high - low) * draw;
}
