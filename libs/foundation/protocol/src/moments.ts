/**
 * Moments of a step at which a process may be told to fail, so that a fault can be planted where it hurts most.
 * Engines say when they pass one; without a probe, which is always but in fault drills, nobody listens.
 */
export const moments = {
  worker: ["before-compute", "before-push", "mid-push", "mid-relay"],
  shard: ["before-reduce", "before-commit", "after-commit", "before-publish", "mid-checkpoint"],
  coordinator: ["before-record", "after-record", "mid-checkpoint"],
} as const;

/** Only a worker that speaks for others of its host passes these: who draws moments for just any run leaves them out. */
export const momentsOfRelays: readonly Moment[] = ["mid-relay"];

export type WorkerMoment = (typeof moments.worker)[number];
export type ShardMoment = (typeof moments.shard)[number];
export type CoordinatorMoment = (typeof moments.coordinator)[number];
export type Moment = WorkerMoment | ShardMoment | CoordinatorMoment;

/** Called synchronously; `step` is the step in progress, at `mid-checkpoint` the version being written. */
export type Probe<Own extends Moment = Moment> = (moment: Own, step: number) => void;
