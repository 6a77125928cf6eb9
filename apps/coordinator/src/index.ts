export { coordinatorFile, type CoordinatorProcessOptions, runCoordinatorProcess } from "./run-coordinator.ts";
