import type { Tensor, Tf } from "../layers/tensorflow.ts";

/** Values of nodes that read several others. Tensors are [batch, ...shape], differentiable by the tape. */

export function added(tf: Tf, values: readonly Tensor[]): Tensor {
  // One after the other: the order in which numbers are added is part of the result.
  return values.reduce((sum, value) => tf.add(sum, value));
}

/** Σ_e softmax(gate)_e · expert_e. @param gate [batch, experts] */
export function mixture(tf: Tf, gate: Tensor, experts: readonly Tensor[]): Tensor {
  const shares = tf.softmax(gate);
  const batch = gate.shape[0];
  const parts = experts.map((expert, index) => {
    const share = tf.slice(shares, [0, index], [batch, 1]);
    return tf.mul(expert, tf.reshape(share, [batch, ...expert.shape.slice(1).map(() => 1)]));
  });
  return added(tf, parts);
}

/** Σ_j (start_j + weights[row, j]) · column_j */
export function stitch(
  tf: Tf,
  columns: readonly Tensor[],
  weights: Tensor,
  { row, start }: { readonly row: number; readonly start: readonly number[] },
): Tensor {
  const parts = columns.map((column, at) => {
    const learned = tf.reshape(tf.slice(weights, [row, at], [1, 1]), []);
    return tf.mul(column, tf.add(learned, start[at] ?? 0));
  });
  return added(tf, parts);
}

/** (1 + e·scale) ⊙ x + e·shift. @param tensors embedding [k]; scale and shift [k, channels] */
export function film(
  tf: Tf,
  x: Tensor,
  { embedding, scale, shift }: Readonly<Record<"embedding" | "scale" | "shift", Tensor>>,
): Tensor {
  const row = tf.reshape(embedding, [1, -1]);
  const along = [...x.shape.slice(1).map(() => 1), scale.shape.at(-1) ?? 1];
  const perChannel = (tensor: Tensor): Tensor => tf.reshape(tf.matMul(row, tensor), along);
  return tf.add(tf.mul(x, tf.add(perChannel(scale), 1)), perChannel(shift));
}
