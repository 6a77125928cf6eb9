import type { QuadraticRegulariser } from "../regulariser.ts";
import { at } from "../solvers/matrix.ts";

/**
 * Graph-regularised multi-task learning (Evgeniou, Micchelli, Pontil: "Learning multiple tasks with kernel methods",
 * JMLR 2005, §3.1.3): Σ over edges of weight·‖w_t − w_s‖² = tr(W L Wᵀ) with the graph's Laplacian L = D − S. Tasks that
 * a family lacks are left out of the graph with their edges; of a Laplacian that the job gives itself, rows and columns.
 */
export const graphRegulariser: QuadraticRegulariser = {
  kind: "quadratic",
  name: "graph",
  matrix({ members, taskCount, options }) {
    const given = options.laplacian ?? options.similarity;
    if (given?.length !== taskCount * taskCount)
      throw new RangeError(`a graph of ${given?.length ?? 0} numbers for ${taskCount} tasks`);
    const count = members.length;
    const part = Float64Array.from(
      { length: count * count },
      (_, place) =>
        at(given, at(members, Math.floor(place / count)) * taskCount + at(members, place % count)) + 0,
    );
    return options.laplacian ? part : laplacianOf(part, count);
  },
};

/** D − S for the symmetric weights S, whose diagonal says nothing. */
function laplacianOf(weights: Float64Array, count: number): Float64Array {
  const laplacian = new Float64Array(count * count);
  for (let row = 0; row < count; row++) {
    let degree = 0;
    for (let column = 0; column < count; column++) {
      if (column === row) continue;
      const weight = at(weights, row * count + column);
      degree += weight;
      laplacian[row * count + column] = 0 - weight;
    }
    laplacian[row * count + row] = degree;
  }
  return laplacian;
}
