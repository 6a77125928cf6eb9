export { estimateGain, type MeasuredPair, negativeTransferRate, relativeGain } from "./gain.ts";
export { bestGrouping, type GainMatrix, type Grouping, groupingGain } from "./grouping.ts";
export { confidence, type Estimate, estimateFromTwo, estimateMean, meanOf, varianceOf } from "./interval.ts";
export { linearCka, type Rows, squaredMmd } from "./latent-similarity.ts";
export { type PairScore, type RankAgreement, rankAgreement, ranksOf, spearman } from "./rank-correlation.ts";
export { type Inexact, tQuantile } from "./student-t.ts";
