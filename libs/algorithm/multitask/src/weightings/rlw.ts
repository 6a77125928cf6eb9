import { softmax } from "../solvers/softmax.ts";
import { lossWeighting } from "./loss-weighting.ts";

/**
 * Random loss weighting (Lin et al.: "Reasonable Effectiveness of Random Weighting", TMLR 2022): w = softmax of T standard
 * normal numbers, drawn anew in every step by (seed, step). The weights sum to 1.
 */
export const rlw = lossWeighting(
  "rlw",
  () => null,
  ({ taskCount, key, arithmetic, state }) => {
    const pointer = arithmetic.allocate(taskCount * 4);
    arithmetic.fillNormal(pointer, taskCount, key, 0, 0, 1);
    const drawn = Float64Array.from(arithmetic.f32(pointer, taskCount));
    arithmetic.free(pointer, taskCount * 4);
    return { weights: softmax(arithmetic, drawn), state };
  },
);
