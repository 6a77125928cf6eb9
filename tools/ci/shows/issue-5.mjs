/** Speed: what its issue asked to be shown, in its order. */
import { chaosBeside } from "./chaos.mjs";
import { hostAggregation } from "./host-aggregation.mjs";

export const items = [chaosBeside, ...hostAggregation];
