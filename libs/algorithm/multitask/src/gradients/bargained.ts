import type { Arithmetic } from "@latentweave/arithmetic";
import { type Answer, failed } from "../even.ts";
import { bargain } from "../solvers/bargaining.ts";
import { at, inner, norms, scaledBoth } from "../solvers/matrix.ts";
import { unsolved } from "./gradient-combiner.ts";

/**
 * Relative to the diagonal. At a Pareto stationary point the utility is unbounded; this bounds the weights there at
 * about 10⁴ times those of gradients that do not meet.
 */
const ridge = 1e-8;

/**
 * The w > 0 with G w = w^(−1/α), for G/‖G‖ (Frobenius), as LibMTL, TorchJD and the authors normalise it. Solved for
 * u = w∘‖g_i‖ on the matrix of cosines, which makes it independent of the tasks' scales.
 */
export function bargained(
  gram: Float64Array,
  count: number,
  alpha: number,
  arithmetic: Pick<Arithmetic, "log" | "pow">,
): Answer {
  const frobenius = Math.sqrt(inner(gram, gram));
  const size = norms(gram, count).map((norm) => norm / Math.sqrt(frobenius));
  const cosines = scaledBoth(
    gram.map((value) => value / frobenius),
    size.map((norm) => 1 / norm),
  );
  for (let t = 0; t < count; t++) cosines[t * count + t] = 1 + ridge;
  const p = 1 / alpha;
  const pull = size.map((norm) => (p === 1 ? 1 : arithmetic.pow(norm, p - 1)));
  const solution = bargain(cosines, pull, p, arithmetic);
  const why = unsolved(solution, 1e-3);
  return why === undefined ? solution.x.map((value, t) => value / at(size, t)) : failed(why);
}
