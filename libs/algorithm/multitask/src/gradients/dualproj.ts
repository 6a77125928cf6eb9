import { failed } from "../even.ts";
import { projectOntoDualCone } from "./dual-cone.ts";
import { gradientCombiner, unsolved } from "./gradient-combiner.ts";

/**
 * DualProj (Lopez-Paz, Ranzato: "Gradient Episodic Memory", NeurIPS 2017, as TorchJD names it): the mean gradient,
 * projected onto the cone of directions that conflict with no gradient: min vᵀĜv with v ≥ 1/T.
 */
export const dualproj = gradientCombiner("dualproj", ({ count, gram }) => {
  const solution = projectOntoDualCone(gram, new Float64Array(count).fill(1 / count));
  const why = unsolved(solution, 1e-8);
  return why === undefined ? solution.x : failed(why);
});
