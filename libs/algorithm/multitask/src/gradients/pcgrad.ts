import { at } from "../solvers/matrix.ts";
import { gradientCombiner } from "./gradient-combiner.ts";
import { along, othersInOrder } from "./projections.ts";

/**
 * PCGrad (Yu et al.: "Gradient Surgery for Multi-Task Learning", NeurIPS 2020): each g_i loses, for each j ≠ i in
 * random order, its part against g_j: if ĝ_i·g_j < 0, ĝ_i −= (ĝ_i·g_j/‖g_j‖²) g_j. The results are summed. The order is
 * drawn by (seed, step, i).
 */
export const pcgrad = gradientCombiner("pcgrad", ({ count, gram, key }) => {
  const total = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const own = new Float64Array(count);
    own[i] = 1;
    for (const j of othersInOrder(i, count, key)) {
      const dot = along(gram, own, j);
      if (dot < 0) own[j] = at(own, j) - dot / at(gram, j * count + j);
    }
    for (let k = 0; k < count; k++) total[k] = at(total, k) + at(own, k);
  }
  return total;
});
