export {
  type Optimiser,
  type OptimiserBlock,
  type OptimiserConfig,
  OptimiserStateError,
  createOptimiser,
  proximalRate,
} from "./optimiser.ts";
export { type ScheduleConfig, learningRateAt } from "./learning-rate.ts";
export { clipScale } from "./clipping.ts";
