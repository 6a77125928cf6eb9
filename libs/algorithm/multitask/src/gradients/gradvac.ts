import type { Combiner } from "../combiner.ts";
import { at, quadratic } from "../solvers/matrix.ts";
import { along, othersInOrder } from "./projections.ts";

export interface GradvacOptions {
  readonly beta: number;
  readonly [name: string]: number;
}

/** Below this a gradient has been vaccinated away: there is no angle to it. */
const leastCosineLeft = 1e-12;

/**
 * GradVac (Wang et al.: "Gradient Vaccine", ICLR 2021): as PCGrad, but g_i is turned towards g_j until their cosine is
 * ρ_ij, the exponential average of the cosines so far (from 0), whenever it is below:
 * ĝ_i += ‖ĝ_i‖(ρ√(1−φ²) − φ√(1−ρ²)) / (‖g_j‖√(1−ρ²)) · g_j with φ = cos(ĝ_i, g_j); then ρ_ij = (1−β)ρ_ij + βφ, whether
 * it was turned or not (LibMTL: only where it was).
 */
export const gradvac: Combiner<readonly (readonly number[])[], GradvacOptions> = {
  name: "gradvac",
  needsGram: true,
  init: (taskCount) => Array.from({ length: taskCount }, () => new Array<number>(taskCount).fill(0)),
  solve({ taskCount, gram = new Float64Array(taskCount * taskCount), options, state, key }) {
    const weights = new Float64Array(taskCount);
    const targets = state.map((row) => [...row]);
    const squares = (j: number): number => at(gram, j * taskCount + j);
    for (let i = 0; i < taskCount; i++) {
      const own = new Float64Array(taskCount);
      own[i] = 1;
      const row = targets[i] ?? [];
      for (const j of squares(i) > 0 ? othersInOrder(i, taskCount, key) : []) {
        const size = Math.sqrt(quadratic(gram, own));
        const other = Math.sqrt(squares(j));
        if (!(size > 0 && other > 0)) continue;
        const cosine = Math.min(1, Math.max(-1, along(gram, own, j) / (size * other)));
        const target = at(row, j);
        const room = 1 - target * target;
        if (cosine < target && room > leastCosineLeft) {
          const turn = target * Math.sqrt(1 - cosine * cosine) - cosine * Math.sqrt(room);
          own[j] = at(own, j) + (size * turn) / (other * Math.sqrt(room));
        }
        row[j] = (1 - options.beta) * target + options.beta * cosine;
      }
      for (let k = 0; k < taskCount; k++) weights[k] = at(weights, k) + at(own, k);
    }
    return { weights, state: targets };
  },
};
