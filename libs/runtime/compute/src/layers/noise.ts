import type { NoiseSpec } from "@latentweave/model";
import type { KeyedRandom } from "./keyed-random.ts";
import type { Tensor, Tf } from "./tensorflow.ts";

/** The input of a denoising autoencoder, x of [batch, ...shape] (Vincent et al. 2010; patches after He et al. 2022). */
export function applyNoise(tf: Tf, x: Tensor, noise: NoiseSpec, random: KeyedRandom): Tensor {
  const drawn = (values: Float32Array): Tensor => tf.tensor(values, x.shape);
  switch (noise.kind) {
    case "masking":
      return tf.mul(x, drawn(random.mask(x.size, 1 - noise.rate, 0, 1)));
    case "gaussian":
      return tf.add(x, tf.mul(drawn(random.normal(x.size, 0)), noise.deviation));
    case "saltAndPepper": {
      const kept = drawn(random.mask(x.size, 1 - noise.rate, 0, 1));
      const ends = drawn(random.mask(x.size, 0.5, 1, 1));
      return tf.add(tf.mul(x, kept), tf.mul(ends, tf.sub(1, kept)));
    }
    case "patches":
      return tf.mul(x, patchMask(tf, x, noise, random));
  }
}

/** 0 in squares that are hidden, else 1, number by number of x [batch, height, width, channels]: a draw for each square. */
export function patchMask(
  tf: Tf,
  x: Tensor,
  { size, rate }: { readonly size: number; readonly rate: number },
  random: KeyedRandom,
): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [rows, columns] = [height / size, width / size];
  const drawn = random.mask(batch * rows * columns, 1 - rate, 0, 1);
  const squares = tf.tensor(drawn, [batch, rows, 1, columns, 1]);
  return tf.reshape(tf.tile(squares, [1, 1, size, 1, size * channels]), x.shape);
}

/** 1 with the number as its probability, else 0 (Salakhutdinov & Murray 2008). */
export function binarise(tf: Tf, x: Tensor, random: KeyedRandom): Tensor {
  return tf.cast(tf.less(tf.tensor(random.uniform(x.size, 0), x.shape), x), "float32");
}
