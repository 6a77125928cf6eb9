export { type CheckedCheckpoint } from "./check-checkpoints.ts";
export { type Problem } from "./problem.ts";
export { type Verification, verifyRun } from "./verify-run.ts";
