import type { Arithmetic, Key } from "@latentweave/arithmetic";
import type { Combiner, CombinerConfig } from "../combiner.ts";
import { type Answer, orEven } from "../even.ts";
import { at } from "../solvers/matrix.ts";
import type { Solution } from "../solvers/solution.ts";

/** T gradients as a method sees them; none of them is zero. */
export interface Gradients<Options> {
  readonly count: number;
  /** Row-major inner products. */
  readonly gram: Float64Array;
  readonly losses: Float64Array;
  readonly options: Options;
  readonly key: Key;
  readonly arithmetic: Arithmetic;
}

/**
 * A method that needs the gradients of one step and remembers nothing. A task whose gradient is exactly zero says
 * nothing about a direction (it takes no part in the phase, or its part of the model is not in use): the method sees the
 * others alone, and the task's own weight is 1.
 */
export function gradientCombiner<Options extends CombinerConfig = CombinerConfig>(
  name: string,
  weigh: (gradients: Gradients<Options>) => Answer,
): Combiner<null, Options> {
  return {
    name,
    needsGram: true,
    init: () => null,
    solve({ taskCount, gram, losses, step, options, key, arithmetic }) {
      const whole = gram ?? new Float64Array(taskCount * taskCount);
      const present = Array.from({ length: taskCount }, (_, t) => t).filter(
        (t) => at(whole, t * taskCount + t) > 0,
      );
      const answer = (): Answer => {
        if (present.length === 0) return new Float64Array(taskCount).fill(1);
        const all = { count: taskCount, gram: whole, losses, options, key, arithmetic };
        if (present.length === taskCount) return weigh(all);
        const own = weigh({
          ...all,
          count: present.length,
          gram: Float64Array.from(present.flatMap((i) => present.map((j) => at(whole, i * taskCount + j)))),
          losses: Float64Array.from(present, (t) => at(losses, t)),
        });
        if (!(own instanceof Float64Array)) return own;
        const weights = new Float64Array(taskCount).fill(1);
        present.forEach((t, place) => (weights[t] = at(own, place)));
        return weights;
      };
      return orEven(answer(), { name, step, taskCount, even: 1 / taskCount }, null);
    },
  };
}

/** Why a solver's answer cannot be taken, or undefined where it can. */
export function unsolved(solution: Solution, tolerance: number): string | undefined {
  const { residual, iterations } = solution;
  if (residual <= tolerance) return undefined;
  return `no solution after ${iterations} iterations, residual ${residual} (at most ${tolerance} is taken)`;
}
