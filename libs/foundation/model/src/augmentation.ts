import type { CategoryBlock } from "./description.ts";

/**
 * A change of training samples, drawn anew for every sample of every micro-batch: docs/augmentation.md says what each is
 * for. All but `jitter` are of images.
 */
export type AugmentSpec =
  /** Mirrors, with probability `rate`; `horizontal` swaps left and right. */
  | { readonly kind: "flip"; readonly axis: "horizontal" | "vertical"; readonly rate: number }
  /** By whole pixels, uniform from −pixels to pixels in either direction; black comes in (Krizhevsky et al. 2012). */
  | { readonly kind: "shift"; readonly pixels: number }
  /** About the middle, by an angle that is uniform from −degrees to degrees; bilinear, black comes in. */
  | { readonly kind: "rotate"; readonly degrees: number }
  /** About the middle, by a factor that is uniform between the two; bilinear, black comes in. */
  | { readonly kind: "scale"; readonly from: number; readonly to: number }
  /** The distance from black times a factor that is uniform from 1 − amount to 1 + amount. */
  | { readonly kind: "brightness"; readonly amount: number }
  /** The distance from the sample's mean times a factor that is uniform from 1 − amount to 1 + amount. */
  | { readonly kind: "contrast"; readonly amount: number }
  /** With probability `rate`, a square of size × size pixels about a uniform pixel becomes black (DeVries & Taylor 2017). */
  | { readonly kind: "cutout"; readonly size: number; readonly rate: number }
  /** A normal number of this standard deviation is added to every number. */
  | { readonly kind: "jitter"; readonly deviation: number };

/** What the numbers of a sample mean, where all are on one scale. */
export interface SampleLevels {
  /** What a stored 0 is to the model. */
  readonly black: number;
  /** Least and greatest number that there can be; null: anything. */
  readonly range: readonly [number, number] | null;
}

/** All that a device needs to know to change a task's training samples. */
export interface AugmentPlan {
  /** In this order; each draws by its index. */
  readonly changes: readonly AugmentSpec[];
  /** Height, width and channels, row by row, channels last; null: the samples are no images, nor treated as such. */
  readonly image: readonly [number, number, number] | null;
  readonly black: number;
  /** Changed numbers are brought back between these two; null: they are left. */
  readonly range: readonly [number, number] | null;
  /** Numbers that are categories' probabilities, which `jitter` leaves alone. */
  readonly categories: readonly CategoryBlock[];
}
