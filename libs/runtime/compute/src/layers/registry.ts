import { activation } from "./activation.ts";
import { convolution, transposedConvolution } from "./convolution.ts";
import { dense } from "./dense.ts";
import { dropout } from "./dropout.ts";
import { type LayerContext, LayerError, type LayerForward, type LayerKind } from "./layer.ts";
import { normalisation } from "./normalisation.ts";
import { pooling } from "./pooling.ts";
import { reshape } from "./reshape.ts";
import type { Tensor } from "./tensorflow.ts";
import { user } from "./user.ts";

/** A new kind of layer is one file and one line here; a kind without its line does not compile. */
const layers: { readonly [Kind in LayerKind]: LayerForward<Kind> } = {
  dense,
  convolution,
  transposedConvolution,
  pooling,
  dropout,
  normalisation,
  reshape,
  flatten: reshape,
  activation,
  user,
};

/**
 * Applies a layer.
 * @throws LayerError when the result does not have the shape that the model promised.
 */
export function applyLayer(context: LayerContext): Tensor {
  const { spec } = context;
  if ("activation" in spec && spec.kind !== "activation" && spec.activation !== "linear")
    throw new LayerError(context.name, "its activation must be a layer of its own in a resolved model");
  const forward = layers[spec.kind] as (context: LayerContext) => Tensor;
  const output = forward(context);
  const shape = output.shape.slice(1);
  const { outputShape } = context;
  if (shape.length !== outputShape.length || shape.some((size, axis) => size !== outputShape[axis]))
    throw new LayerError(
      context.name,
      `it gives values of shape [${shape.join(", ")}] where the model says [${outputShape.join(", ")}]`,
    );
  return output;
}
