export { createCoordinator, type Coordinator } from "./coordinator.ts";
export { type CoordinatorOptions, type Outcome, type ProfileSink } from "./coordinator-options.ts";
export { type RunClass } from "./admission.ts";
export { buildRunSpec, type RunIngredients } from "./build-run-spec.ts";
export { combinerOf } from "./checkpoint-meta.ts";
