import type { CategoryBlock } from "@latentweave/model";
import type { Tensor, Tf } from "../layers/tensorflow.ts";
import { type Reduction, rowLoss } from "./row-losses.ts";

/** Neighbouring numbers along the last axis: one category's, or of none. */
interface Span extends CategoryBlock {
  readonly isCategory: boolean;
}

/** Probabilities of logits: the softmax within each block along the last axis, other numbers as they are. */
export function categories(tf: Tf, x: Tensor, blocks: readonly CategoryBlock[]): Tensor {
  const width = x.shape.at(-1) ?? 1;
  const flat = tf.reshape(x, [-1, width]);
  const parts = spansOf(blocks, width).map((span) => {
    const part = partOf(tf, flat, span);
    return span.isCategory ? tf.softmax(part) : part;
  });
  return tf.reshape(joined(tf, parts), x.shape);
}

/**
 * −Σ t·log softmax(l) of every block, and squared differences of the numbers in none; over a row their sum, or their
 * mean, a block counting as one. With one-hot t this is −log of the probability of the row's category.
 * @param logits [batch, ..., width]; `blocks` lie along the last axis, at every position of the others
 */
export function categoricalCrossEntropy(
  tf: Tf,
  logits: Tensor,
  target: Tensor,
  blocks: readonly CategoryBlock[],
  reduction: Reduction,
): Tensor {
  const width = logits.shape.at(-1) ?? 1;
  const positions = (target.shape[1] ?? width) / width;
  const spans = spansOf(blocks, width);
  const variables = positions * spans.reduce((sum, span) => sum + (span.isCategory ? 1 : span.width), 0);
  const scale = reduction === "sum" ? 1 : 1 / variables;
  return rowLoss(tf, logits, target, (flat) => {
    const [l, t] = [tf.reshape(flat, [-1, width]), tf.reshape(target, [-1, width])];
    const parts = spans.map((span) => {
      const [logit, wanted] = [partOf(tf, l, span), partOf(tf, t, span)];
      if (!span.isCategory) return tf.sum(tf.square(tf.sub(logit, wanted)), 1);
      const all = tf.mul(tf.logSumExp(logit, 1), tf.sum(wanted, 1));
      return tf.sub(all, tf.sum(tf.mul(logit, wanted), 1));
    });
    const perRow = tf.sum(tf.reshape(tf.addN(parts), [-1, positions]), 1);
    return {
      value: tf.mul(perRow, scale),
      saved: flat,
      scale,
      gradient: (kept, given) => {
        const [at, to] = [tf.reshape(kept, [-1, width]), tf.reshape(given, [-1, width])];
        const slopes = spans.map((span) => {
          const [logit, wanted] = [partOf(tf, at, span), partOf(tf, to, span)];
          if (!span.isCategory) return tf.mul(tf.sub(logit, wanted), 2);
          return tf.sub(tf.mul(tf.softmax(logit), tf.sum(wanted, 1, true)), wanted);
        });
        return tf.reshape(joined(tf, slopes), kept.shape);
      },
    };
  });
}

/** All of the axis, in order. */
function spansOf(blocks: readonly CategoryBlock[], width: number): readonly Span[] {
  const spans: Span[] = [];
  let at = 0;
  const rest = (end: number): void => {
    if (end > at) spans.push({ start: at, width: end - at, isCategory: false });
  };
  for (const block of blocks.toSorted((a, b) => a.start - b.start)) {
    rest(block.start);
    spans.push({ ...block, isCategory: true });
    at = block.start + block.width;
  }
  rest(width);
  return spans;
}

function partOf(tf: Tf, rows: Tensor, { start, width }: CategoryBlock): Tensor {
  return width === rows.shape[1] ? rows : tf.slice(rows, [0, start], [-1, width]);
}

function joined(tf: Tf, parts: readonly Tensor[]): Tensor {
  return parts.length === 1 ? (parts[0] as Tensor) : tf.concat(parts as Tensor[], 1);
}
