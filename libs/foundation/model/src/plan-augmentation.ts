import { UserError } from "@latentweave/protocol";
import type { AugmentPlan, AugmentSpec } from "./augmentation.ts";
import type { DataShape, TaskDescription } from "./description.ts";
import { show } from "./infer-layer.ts";

type Image = readonly [number, number, number];

/**
 * What becomes of a task's training samples, from what the job asks for and what is known of the data.
 * @param where field of the job, e.g. `tasks.digits.augment`
 * @returns undefined where nothing is changed
 * @throws UserError where images are asked for and the samples are none, or none that can be changed so
 */
export function planAugmentation(
  task: TaskDescription,
  data: DataShape,
  where: string,
): AugmentPlan | undefined {
  const changes = task.augment ?? [];
  if (changes.length === 0) return undefined;
  const image = imageOf(task, data);
  changes.forEach((change, index) => {
    if (change.kind !== "jitter") checkImage(change, { image, data }, `${where}[${index}]`);
  });
  // Binary cross-entropy has no lower bound past 1, and there is no probability there to draw by.
  const isProbability =
    task.binarise === true || (task.reconstruction !== false && task.reconstruction.loss === "bce");
  const range = isProbability ? ([0, 1] as const) : (data.levels?.range ?? null);
  const black = data.levels?.black ?? 0;
  return {
    changes,
    image: image ?? null,
    black: range === null ? black : Math.min(range[1], Math.max(range[0], black)),
    range,
    categories: data.categories ?? [],
  };
}

/** The data's own shape where it is an image's, however flat the encoder takes it; else the shape that the job says. */
function imageOf({ input }: TaskDescription, { inputShape }: DataShape): Image | undefined {
  const shape = inputShape.length === 3 ? inputShape : input;
  return shape?.length === 3 ? (shape as unknown as Image) : undefined;
}

function checkImage(
  change: AugmentSpec,
  { image, data }: { readonly image: Image | undefined; readonly data: DataShape },
  where: string,
): void {
  if (!image)
    throw new UserError({
      where,
      what: `"${change.kind}" is of images, and the samples have shape ${show(data.inputShape)}`,
      expected: "samples of shape [height, width, channels]",
      mend: "say which shape they have with reshape in the task's data (its input may stay flat), or remove this change",
    });
  if (!data.levels)
    throw new UserError({
      where,
      what: `"${change.kind}" is of images, and every number of these samples was scaled by itself`,
      expected: "one scale for all numbers of a sample, so that pixels can take each other's places",
      mend: 'set reshape in the task\'s data to [height, width, channels], or its scale to "none" or "unit"',
    });
  const [height, width] = image;
  const side = Math.min(height, width);
  if (change.kind === "shift" && change.pixels >= side)
    throw new UserError({
      where: `${where}.pixels`,
      what: `a shift by ${change.pixels} can leave nothing of images of ${height}×${width}`,
      expected: `less than ${side}`,
      mend: "change pixels",
    });
  if (change.kind === "cutout" && change.size > side)
    throw new UserError({
      where: `${where}.size`,
      what: `a square of ${change.size}×${change.size} can leave nothing of images of ${height}×${width}`,
      expected: `at most ${side}`,
      mend: "change size",
    });
}
