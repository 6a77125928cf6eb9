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

/** What stands between the count of a code that nothing chooses any more and zero. */
const smoothing = 1e-5;

/**
 * The codes that are meant by averages of sums, [codes, width], and of counts, [codes]: each sum through its count, with
 * the smoothing after Laplace that the authors' own code has, n ← (n + ε)·Σn / (Σn + codes·ε).
 */
function averagedCodes(tf: Tf, sums: Tensor, counts: Tensor): Tensor {
  const total = tf.sum(counts);
  const share = tf.div(total, tf.add(total, counts.shape[0] * smoothing));
  const smoothed = tf.mul(tf.add(counts, smoothing), share);
  return tf.div(sums, tf.reshape(smoothed, [-1, 1]));
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

/**
 * Codes of x in its place; gradients pass straight through to x (van den Oord et al. 2017).
 * @param tensor the codebook, or with `counts` the sums that it is the averages of
 */
export function quantise(tf: Tf, x: Tensor, tensor: Tensor, counts?: Tensor): Tensor {
  return tf.customGrad((...inputs: unknown[]) => {
    const [given] = inputs as [Tensor];
    const codebook = counts ? averagedCodes(tf, tensor, counts) : tensor;
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

/**
 * commitment · (x − code)², of codes that are moving averages (van den Oord et al. 2017, appendix A.1). Its gradient is by
 * x alone. What it gives in place of the gradients of `sums`, [codes, width], and `counts`, [codes], is what they are
 * averages of, whatever the loss is worth: the sum of the vectors that chose each code, and how many did.
 */
export function towardsAverages(
  tf: Tf,
  x: Tensor,
  { sums, counts }: { readonly sums: Tensor; readonly counts: Tensor },
  commitment: number,
): Tensor {
  return tf.customGrad((...inputs: unknown[]) => {
    const [given, s, n, save] = inputs as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
    const codebook = averagedCodes(tf, s, n);
    const vectors = vectorsOf(tf, given, codebook);
    const chosen = nearest(tf, vectors, codebook);
    const difference = tf.sub(given, tf.reshape(tf.matMul(chosen, codebook), given.shape));
    save([difference, vectors, chosen]);
    return {
      value: tf.mul(tf.square(difference), commitment),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [d, v, c] = saved as [Tensor, Tensor, Tensor];
        return [tf.mul(tf.mul(d, 2 * commitment), dy), tf.matMul(c, v, true), tf.sum(c, 0)];
      },
    };
  })(x, sums, counts);
}
