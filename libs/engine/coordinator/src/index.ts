export { createCoordinator, type Coordinator, type CoordinatorOptions, type Outcome } from "./coordinator.ts";
export { type RunClass } from "./admission.ts";
export { buildRunSpec, type RunIngredients } from "./build-run-spec.ts";
