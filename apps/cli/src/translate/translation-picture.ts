import { UserError } from "@latentweave/protocol";
import { imageShape, rowsToShow, sliceRows } from "../report/picture-blocks.ts";
import { drawPicture, type PictureBlock } from "../report/picture.ts";
import type { TranslationPair } from "./translation-pair.ts";

/** What is drawn: rows of the two tasks, one beneath the other. */
export interface PicturedRows {
  readonly rows: number;
  readonly source: Float32Array;
  readonly translated: Float32Array;
  /** The target's rows of the same places, where they are pairs. */
  readonly target?: Float32Array;
  /** The source's labels: one sample of each class is shown. */
  readonly labels?: Int32Array | Float32Array;
}

/** @throws UserError where the samples of either task are no images */
export function checkPicture({ from, to }: TranslationPair): void {
  for (const task of [from, to])
    if (!imageShape(task))
      throw new UserError({
        where: "--png",
        what: `samples of the task "${task.name}" are no images`,
        expected: "samples of shape [height, width] with 1 or 3 channels",
        mend: "leave --png out",
      });
}

/** A contact sheet as a PNG file: samples of the source, and beneath each what it became. */
export function translationPicture({ from, to }: TranslationPair, drawn: PicturedRows): Buffer {
  const shown = rowsToShow(drawn.rows, drawn.labels);
  const block = (task: typeof from, rows: readonly (readonly [string, Float32Array])[]): PictureBlock => ({
    title: task.name,
    ...(imageShape(task) ?? { height: 0, width: 0, channels: 1 }),
    rows: rows.map(([label, x]) => ({ label, images: sliceRows(x, task.manifest.x.width, shown) })),
  });
  return drawPicture([
    block(from, [["original", drawn.source]]),
    block(to, [
      ["translated", drawn.translated],
      ...(drawn.target ? ([["its pair", drawn.target]] as const) : []),
    ]),
  ]);
}
