import { bargained } from "./bargained.ts";
import { gradientCombiner } from "./gradient-combiner.ts";

export interface FairgradOptions {
  readonly alpha: number;
  readonly [name: string]: number;
}

/**
 * FairGrad (Ban, Ji: "Fair Resource Allocation in Multi-Task Learning", ICML 2024): α-fair utilities of the tasks' rates
 * of descent, G w = w^(−1/α), w > 0. α = 1 is Nash-MTL, α → ∞ serves the worst task alone. G is divided by its Frobenius
 * norm first; the authors' code does not, which changes the length of the update where α ≠ 1, not its direction.
 */
export const fairgrad = gradientCombiner<FairgradOptions>(
  "fairgrad",
  ({ count, gram, options, arithmetic }) => bargained(gram, count, options.alpha, arithmetic),
);
