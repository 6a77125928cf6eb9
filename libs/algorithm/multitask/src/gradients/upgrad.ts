import { failed } from "../even.ts";
import { at } from "../solvers/matrix.ts";
import { projectOntoDualCone } from "./dual-cone.ts";
import { gradientCombiner, unsolved } from "./gradient-combiner.ts";

/**
 * UPGrad (Quinton, Rey: "Jacobian Descent for Multi-Objective Optimization", 2024): each gradient is projected onto the
 * cone of directions that conflict with none, and the mean of the projections is taken: for each i min vᵀĜv with
 * v ≥ e_i/T, w the sum of the solutions.
 */
export const upgrad = gradientCombiner("upgrad", ({ count, gram }) => {
  const weights = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const lower = new Float64Array(count);
    lower[i] = 1 / count;
    const solution = projectOntoDualCone(gram, lower);
    const why = unsolved(solution, 1e-8);
    if (why !== undefined) return failed(why);
    for (let k = 0; k < count; k++) weights[k] = at(weights, k) + at(solution.x, k);
  }
  return weights;
});
