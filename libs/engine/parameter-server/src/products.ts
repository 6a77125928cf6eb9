import type { StepReduction } from "@latentweave/aggregation";
import type { Arithmetic } from "@latentweave/arithmetic";
import { addProducts } from "@latentweave/multitask";
import { blockNumbers, type ParameterLayout } from "@latentweave/parameters";
import type { RunSpec } from "@latentweave/plan";
import { productRows } from "./product-rows.ts";
import { isTrained, type RuleSegment, type TensorRules } from "./tensor-rules.ts";
import type { UpdateRule } from "./update-rule.ts";

/** Inner products of one block's task gradients, each gradient as the update rule has it. */
export interface BlockProducts {
  readonly group: number;
  readonly block: number;
  /** Row-major over all rows (`productRows`); zero where a row's task does not use the block. */
  readonly gram: Float64Array;
}

/** Over shared groups, and over private ones. */
export interface Products {
  readonly shared: Float64Array;
  readonly own: Float64Array;
}

/** The products of every owned block (of the groups that are wanted), in layout order. */
export function blockProducts(
  arithmetic: Arithmetic,
  spec: RunSpec,
  rule: UpdateRule,
  rules: TensorRules,
  reduction: StepReduction,
  isWanted: (group: number) => boolean = () => true,
): BlockProducts[] {
  const { count, starts, rule: weighing } = productRows(spec);
  const byBlock = new Map<
    string,
    BlockProducts & { users: { row: number; share: number; pointer: number; parts: readonly BlockPart[] }[] }
  >();
  for (const task of reduction.tasks) {
    const share = rule.share(task.plan);
    for (const { slice, reducer, apart } of task.slices) {
      if (!isWanted(slice.group)) continue;
      const vectors = weighing && apart ? apart.all() : [reducer.result()];
      const first = starts[task.plan.taskIndex] as number;
      for (let offset = 0; offset < slice.numbers; offset += blockNumbers) {
        const block = (slice.start + offset) / blockNumbers;
        const key = `${slice.group}:${block}`;
        let entry = byBlock.get(key);
        if (!entry) {
          entry = { group: slice.group, block, gram: new Float64Array(count * count), users: [] };
          byBlock.set(key, entry);
        }
        const parts = trainedParts(rules.segments(slice), offset, blockNumbers);
        for (const [place, vector] of vectors.entries())
          entry.users.push({ row: first + place, share, pointer: vector + offset * 4, parts });
      }
    }
  }
  const wanted = [...byBlock.values()].flatMap(({ users }) =>
    (users[0]?.parts ?? []).map(({ from, numbers }) => ({
      vectors: users.map(({ pointer }) => pointer + from * 4),
      n: numbers,
    })),
  );
  const found = arithmetic.productsOfEach(wanted).values();
  for (const { users, gram } of byBlock.values()) {
    const products = new Float64Array(users.length * users.length);
    for (let part = 0; part < (users[0]?.parts.length ?? 0); part++)
      addProducts(products, found.next().value ?? new Float64Array());
    for (const [row, a] of users.entries()) {
      for (const [column, b] of users.entries())
        gram[a.row * count + b.row] = (products[row * users.length + column] ?? 0) * (a.share * b.share);
    }
  }
  return [...byBlock.values()]
    .sort((a, b) => a.group - b.group || a.block - b.block)
    .map(({ group, block, gram }) => ({ group, block, gram }));
}

interface BlockPart {
  /** From the block's first number. */
  readonly from: number;
  readonly numbers: number;
}

/** What of a block is trained at all. @param offset of the block in its slice */
function trainedParts(segments: readonly RuleSegment[], offset: number, numbers: number): BlockPart[] {
  return segments.flatMap((segment) => {
    const from = Math.max(segment.offset, offset);
    const to = Math.min(segment.offset + segment.numbers, offset + numbers);
    return isTrained(segment) && from < to ? [{ from: from - offset, numbers: to - from }] : [];
  });
}

/** Sums over blocks in layout order, whichever shard they came from: shared groups and private ones apart. */
export function sumProducts(
  layout: ParameterLayout,
  count: number,
  blocks: readonly BlockProducts[],
): Products {
  const shared = new Float64Array(count * count);
  const own = new Float64Array(count * count);
  const ordered = [...blocks].sort((a, b) => a.group - b.group || a.block - b.block);
  for (const { group, gram } of ordered) {
    addProducts(layout.groups[group]?.shared ? shared : own, gram);
  }
  return { shared, own };
}

/** ‖Σ_t w_t g_t‖² over shared groups plus that of the private ones, whose weights are 1 unless they are scaled too. */
export function combinedNormSquared(
  products: Products,
  weights: readonly number[],
  scalesPrivate = false,
): number {
  const taskCount = weights.length;
  let sum = 0;
  for (let i = 0; i < taskCount; i++) {
    for (let j = 0; j < taskCount; j++) {
      const place = i * taskCount + j;
      const weight = (weights[i] ?? 0) * (weights[j] ?? 0);
      const own = products.own[place] ?? 0;
      sum += weight * (products.shared[place] ?? 0) + (scalesPrivate ? weight * own : own);
    }
  }
  return sum;
}
