import { LayerError, type LayerForward } from "./layer.ts";
import type { Tensor } from "./tensorflow.ts";
import { guardedNamespace } from "./refuse-unkeyed.ts";

/** A layer of the job's own module; its draws come from `random`, every other source of chance is refused. */
export const user: LayerForward<"user"> = (context) => {
  const { tf, input, name, spec, userLayers, random } = context;
  const layer = userLayers[spec.layer];
  if (layer === undefined)
    throw new LayerError(
      name,
      `the job's layers module exports no layer "${spec.layer}"; it has: ${Object.keys(userLayers).join(", ") || "none"}`,
    );
  const output = layer.apply({
    tf: guardedNamespace(tf),
    input,
    parameters: Object.fromEntries(context.parameters),
    options: spec.options,
    training: context.training,
    random: (shape, draw) => {
      const numbers = shape.reduce((product, size) => product * size, 1);
      return tf.tensor(random.uniform(numbers, draw), [...shape]);
    },
  });
  if (!(output instanceof tf.Tensor)) throw new LayerError(name, "its apply() must return a tensor");
  return output as Tensor;
};
