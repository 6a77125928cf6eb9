import type { CommitPoint, RunEvent, RunSnapshot, StreamMessage } from "@latentweave/telemetry";

/** Weight of the newest step in the smoothed rates; about the last 20 steps count. */
const newestShare = 0.1;
const eventsKept = 200;

/** What a view of a run shows: the newest snapshot, brought up to date by the commits since. */
export interface ProgressState {
  readonly snapshot: RunSnapshot | undefined;
  /** Committed steps. */
  readonly step: number;
  readonly totalSteps: number;
  /** Mean training loss of the newest step, by task. */
  readonly loss: Readonly<Record<string, number>>;
  /** Values of the newest evaluation, by task. */
  readonly evaluation: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly samplesPerSecond: number;
  readonly etaMs: number | null;
  readonly events: readonly RunEvent[];
}

export interface ProgressReducer {
  take(message: StreamMessage): void;
  readonly state: ProgressState;
}

export function createProgressReducer(): ProgressReducer {
  let snapshot: RunSnapshot | undefined;
  let step = 0;
  let loss: Record<string, number> = {};
  const evaluation: Record<string, Readonly<Record<string, number>>> = {};
  let stepMs = 0;
  let samplesPerSecond = 0;
  let events: RunEvent[] = [];

  const takeSnapshot = (next: RunSnapshot): void => {
    snapshot = next;
    // A run may go back to a checkpoint; a coordinator that has just begun does not know yet how far it is.
    step = next.state === "starting" ? Math.max(step, next.step) : next.step;
    if (next.samplesPerSecond > 0) samplesPerSecond = next.samplesPerSecond;
    if (next.stepMs > 0) stepMs = next.stepMs;
    for (const task of next.tasks) {
      if (task.training.loss !== undefined && loss[task.task] === undefined)
        loss = { ...loss, [task.task]: task.training.loss };
      if (task.evaluation) evaluation[task.task] = task.evaluation.values;
    }
    // A snapshot may overtake events of the stream, and the stream may repeat those of the snapshot.
    const known = events.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
    events = [...events, ...next.events.filter(({ atMs }) => atMs > known)].slice(-eventsKept);
  };

  const takeCommit = (point: CommitPoint): void => {
    Object.assign(evaluation, point.evaluation);
    if (Object.keys(point.loss).length === 0) return;
    step = Math.max(step, point.step + 1);
    loss = { ...loss, ...point.loss };
    if (point.stepMs <= 0) return;
    stepMs = stepMs === 0 ? point.stepMs : stepMs + newestShare * (point.stepMs - stepMs);
    const samples = (point.samplesPerSecond * point.stepMs) / 1000;
    samplesPerSecond = (samples * 1000) / stepMs;
  };

  return {
    take(message) {
      if (message.kind === "snapshot") takeSnapshot(message.snapshot);
      else if (message.kind === "commit") takeCommit(message.point);
      else if (!events.some((event) => isSame(event, message.event)))
        events = [...events, message.event].slice(-eventsKept);
    },
    get state() {
      const totalSteps = snapshot?.totalSteps ?? 0;
      return {
        snapshot,
        step,
        totalSteps,
        loss,
        evaluation,
        samplesPerSecond,
        etaMs: stepMs > 0 && totalSteps > 0 ? Math.max(0, totalSteps - step) * stepMs : null,
        events,
      };
    },
  };
}

function isSame(a: RunEvent, b: RunEvent): boolean {
  return a.atMs === b.atMs && a.text === b.text;
}
