import { UserError } from "@latentweave/protocol";
import type { NoiseSpec } from "./autoencoder.ts";
import { show } from "./infer-layer.ts";

/** @throws UserError when samples of this shape cannot be covered patch by patch */
export function checkNoise(noise: NoiseSpec, input: readonly number[], where: string): void {
  if (noise.kind !== "patches") return;
  const [height = 0, width = 0] = input;
  if (input.length !== 3)
    throw new UserError({
      where,
      what: `patches are of images, and the samples have shape ${show(input)}`,
      expected: "samples of shape [height, width, channels]",
      mend: "set the task's input to such a shape, and put flatten() first where the encoder is of dense layers",
    });
  if (height % noise.size !== 0 || width % noise.size !== 0)
    throw new UserError({
      where: `${where}.size`,
      what: `patches of ${noise.size}×${noise.size} do not fill images of ${height}×${width}`,
      expected: "a size that divides both sides",
      mend: "change size",
    });
}
