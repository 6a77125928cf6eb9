import type { Tensor, Tf } from "./tensorflow.ts";

/**
 * [vectors, codes], 1 at the nearest code of each; of codes that are as near the first. As a matrix, so that the gradient
 * of the codebook is a product like any other, and no scattered sum in an order of the device's own.
 */
function nearest(tf: Tf, vectors: Tensor, codebook: Tensor): Tensor {
  // |v − c|² but for |v|², which is the same for all codes.
  const lengths = tf.sum(tf.square(codebook), 1);
  const distances = tf.sub(lengths, tf.mul(tf.matMul(vectors, codebook, false, true), 2));
  return tf.cast(tf.oneHot(tf.argMin(distances, 1), codebook.shape[0]), "float32");
}

/** x of [batch, ...shape] as vectors of the codebook's width. */
function vectorsOf(tf: Tf, x: Tensor, codebook: Tensor): Tensor {
  return tf.reshape(x, [-1, codebook.shape[1] as number]);
}

/** Codes of x, in the shape of x; differentiable by the codebook alone. */
export function codesOf(tf: Tf, x: Tensor, codebook: Tensor): Tensor {
  const chosen = tf.customGrad((...inputs: unknown[]) => {
    const [vectors] = inputs as [Tensor];
    const { shape } = vectors;
    return { value: nearest(tf, vectors, codebook), gradFunc: () => tf.zeros(shape) };
  })(vectorsOf(tf, x, codebook));
  return tf.reshape(tf.matMul(chosen, codebook), x.shape);
}

/** Codes of x in its place; gradients pass straight through to x (van den Oord et al. 2017). */
export function quantise(tf: Tf, x: Tensor, codebook: Tensor): Tensor {
  return tf.customGrad((...inputs: unknown[]) => {
    const [given] = inputs as [Tensor];
    const codes = tf.matMul(nearest(tf, vectorsOf(tf, given, codebook), codebook), codebook);
    return { value: tf.reshape(codes, given.shape), gradFunc: (dy: Tensor) => dy.clone() };
  })(x);
}

/** (1 + commitment) · (x − code)²: codes are drawn to x with weight 1, x to its codes with weight `commitment`. */
export function towardsEachOther(tf: Tf, x: Tensor, code: Tensor, commitment: number): Tensor {
  return tf.customGrad((...inputs: unknown[]) => {
    const [a, b, save] = inputs as [Tensor, Tensor, (tensors: Tensor[]) => void];
    const difference = tf.sub(a, b);
    save([difference]);
    return {
      value: tf.mul(tf.square(difference), 1 + commitment),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const pull = tf.mul(tf.mul(saved[0] as Tensor, 2), dy);
        return [tf.mul(pull, commitment), tf.neg(pull)];
      },
    };
  })(x, code);
}
