import { lossWeighting, withoutLogarithm } from "./loss-weighting.ts";

/**
 * GLS (Chennupati et al.: "MultiNet++", CVPR workshops 2019): minimises the geometric mean (Π L_i)^(1/T), so w_i =
 * (Π L)^(1/T)/(T·L_i).
 */
export const gls = lossWeighting(
  "gls",
  () => null,
  ({ losses, taskCount, arithmetic, state }) => {
    const none = withoutLogarithm(losses);
    if (none !== undefined) return { weights: none, state };
    const logs = losses.reduce((sum, loss) => sum + arithmetic.log(loss), 0);
    const mean = arithmetic.exp(logs / taskCount);
    return { weights: losses.map((loss) => mean / (taskCount * loss)), state };
  },
);
