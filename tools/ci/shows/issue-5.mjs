/** Speed: what its issue asked to be shown, in its order. */
import { chaosBeside } from "./chaos.mjs";
import { compressionRows } from "./compression-rows.mjs";
import { hostAggregation } from "./host-aggregation.mjs";
import { computeRows, ddpRows, exchangeRows, serverRows } from "./matrix-rows.mjs";

export const items = [
  ...[...computeRows, ...ddpRows, ...exchangeRows],
  ...[...compressionRows, ...serverRows, chaosBeside, ...hostAggregation],
];
