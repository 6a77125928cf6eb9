import type { KeyedRandom } from "./keyed-random.ts";
import type { Tensor, Tf } from "./tensorflow.ts";

/** Standard normal numbers, [draws · batch, units], for a mean of [batch, units]. */
export function drawNormal(tf: Tf, mean: Tensor, draws: number, random: KeyedRandom): Tensor {
  const [batch, units] = mean.shape as [number, number];
  return tf.tensor(random.normal(draws * batch * units, 0), [draws * batch, units]);
}

/** mean + σ · draw, σ = exp(logVariance / 2), for each of the draws: the reparameterisation of Kingma & Welling 2014. */
export function sample(tf: Tf, mean: Tensor, logVariance: Tensor, draw: Tensor): Tensor {
  const deviation = tf.exp(tf.mul(logVariance, 0.5));
  const [batch, units] = mean.shape as [number, number];
  if (draw.shape[0] === batch) return tf.add(mean, tf.mul(deviation, draw));
  const apart = (x: Tensor): Tensor => tf.reshape(x, [-1, batch, units]);
  return tf.reshape(tf.add(apart(mean), tf.mul(apart(deviation), apart(draw))), draw.shape);
}
