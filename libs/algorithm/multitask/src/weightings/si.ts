import { lossWeighting, withoutLogarithm } from "./loss-weighting.ts";

/** Scale-invariant (LibMTL's SI): minimises Σ log L_i, so w_i = 1/L_i. */
export const si = lossWeighting(
  "si",
  () => null,
  ({ losses, state }) => ({ weights: withoutLogarithm(losses) ?? losses.map((loss) => 1 / loss), state }),
);
