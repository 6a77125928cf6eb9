export {
  type MovingAverageConfig,
  type Optimiser,
  type OptimiserBlock,
  type OptimiserConfig,
  OptimiserStateError,
  createOptimiser,
  proximalRate,
  stateNamesOf,
} from "./optimiser.ts";
export { type ScheduleConfig, learningRateAt } from "./learning-rate.ts";
export { clipScale } from "./clipping.ts";
