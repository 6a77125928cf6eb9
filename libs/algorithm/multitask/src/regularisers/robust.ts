import type { SplitRegulariser } from "../regulariser.ts";
import { at } from "../solvers/matrix.ts";
import { traceRegulariser } from "./trace.ts";

/**
 * Robust multi-task learning: W = P + S with λ‖P‖_* + sparse·Σ_t ‖s_t‖ (Chen, Zhou, Ye: "Integrating low-rank and
 * group-sparse structures for robust multi-task learning", KDD 2011). Tasks that fit share a subspace of few dimensions; one
 * that does not has a column of S to itself, and does not bend the others'.
 */
export const robustRegulariser: SplitRegulariser = {
  kind: "split",
  name: "robust",
  shared: { kind: "spectral", shrink: traceRegulariser.shrink.bind(traceRegulariser) },
  own: {
    kind: "spectral",
    /** A column is shortened by the threshold, to zero at most: S·B with B diagonal. */
    shrink(products, threshold) {
      const count = Math.sqrt(products.length);
      const matrix = new Float64Array(products.length);
      for (let task = 0; task < count; task++) {
        const norm = Math.sqrt(Math.max(0, at(products, task * (count + 1))));
        matrix[task * (count + 1)] = norm > threshold ? 1 - threshold / norm : 0;
      }
      return matrix;
    },
  },
};
