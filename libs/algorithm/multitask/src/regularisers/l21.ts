import type { RowRegulariser } from "../regulariser.ts";

/**
 * L2,1: Σ_i ‖(w_1i, ..., w_Ti)‖, which makes the tasks choose the same numbers of w (Obozinski, Taskar, Jordan: "Joint
 * covariate selection and joint subspace selection for multiple classification problems", 2010; Liu, Ji, Ye, UAI 2009).
 * Its proximal step is a group soft-threshold: a row is shortened by the threshold, and zero where it is shorter.
 */
export const l21Regulariser: RowRegulariser = {
  kind: "rows",
  name: "l21",
  shrink: (norm, threshold) => (norm > threshold ? 1 - threshold / norm : 0),
};
