import { at } from "../solvers/matrix.ts";
import { leastAbove } from "../solvers/least-above.ts";
import type { Solution } from "../solvers/solution.ts";

/** TorchJD's, relative to the trace of G. */
const ridge = 1e-4;

/**
 * Weights of the projection of Σ lower_i·g_i onto the cone of directions that harm no task: min vᵀĜv, v ≥ lower, with
 * Ĝ = G/tr G + 1e-4·I as TorchJD has it. What the ridge costs: a task may be harmed by as much as 1e-4·tr G·v_i.
 */
export function projectOntoDualCone(gram: Float64Array, lower: Float64Array): Solution {
  const n = lower.length;
  let trace = 0;
  for (let i = 0; i < n; i++) trace += at(gram, i * n + i);
  const matrix = gram.map((value, place) => {
    const scaled = value / trace;
    return Math.floor(place / n) === place % n ? scaled + ridge : scaled;
  });
  return leastAbove(matrix, new Float64Array(n), lower);
}
