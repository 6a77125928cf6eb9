import { type LayerForward, parameter } from "./layer.ts";

/**
 * (x − mean) / sqrt(variance + epsilon), per sample. One group: over the last axis. More: the last axis is cut into
 * groups of channels, and each group is normalised over its channels and all places. Then scale and bias per channel.
 */
export const normalisation: LayerForward<"normalisation"> = (context) => {
  const { tf, input, inputShape, spec } = context;
  const { groups, epsilon } = spec;
  const channels = inputShape.at(-1) ?? 1;
  const batch = input.shape[0];
  const split = groups === 1 ? input : tf.reshape(input, [batch, -1, groups, channels / groups]);
  const axes = groups === 1 ? [-1] : [1, 3];
  const centred = tf.sub(split, tf.mean(split, axes, true));
  const variance = tf.mean(tf.square(centred), axes, true);
  const unit = tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
  const normalised = groups === 1 ? unit : tf.reshape(unit, input.shape);
  return context.kernels.addBias(tf.mul(normalised, parameter(context, "scale")), parameter(context, "bias"));
};
