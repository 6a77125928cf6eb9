import type { SplitRegulariser } from "../regulariser.ts";

/**
 * The dirty model: W = P + S with λ·Σ_i max_t |p_it| + sparse·Σ_it |s_it| (Jalali, Ravikumar, Sanghavi, Ruan: "A dirty
 * model for multi-task learning", NIPS 2010). Numbers that all tasks use are in P's rows, those of single tasks in S.
 */
export const dirtyRegulariser: SplitRegulariser = {
  kind: "split",
  name: "dirty",
  shared: { kind: "rows", shrink: clipLargest },
  own: {
    kind: "rows",
    shrink(row, threshold) {
      for (const [task, value] of row.entries())
        row[task] = Math.sign(value) * Math.max(0, Math.abs(value) - threshold);
    },
  },
};

/**
 * Proximal step of threshold·‖row‖_∞: what is larger than θ becomes θ, where Σ_t max(0, |x_t| − θ) is the threshold; all of
 * it is zero where Σ|x_t| is no more than that.
 */
function clipLargest(row: Float64Array, threshold: number): void {
  const sizes = row.map(Math.abs).sort().reverse();
  let sum = 0;
  let theta = 0;
  for (const [place, size] of sizes.entries()) {
    sum += size;
    const level = (sum - threshold) / (place + 1);
    if (level < (sizes[place + 1] ?? 0)) continue;
    theta = Math.max(0, level);
    break;
  }
  for (const [task, value] of row.entries()) row[task] = Math.sign(value) * Math.min(Math.abs(value), theta);
}
