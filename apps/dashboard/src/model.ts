import {
  type CommitPoint,
  createHistory,
  type History,
  type RunEvent,
  type RunSnapshot,
  type StreamMessage,
  type TaskSnapshot,
} from "@latentweave/telemetry";

/** How the page stands with the coordinator. */
export type Link =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "lost"; readonly retryInMs: number }
  | { readonly kind: "refused"; readonly reason: string };

/** All that the page shows. */
export interface Model {
  readonly link: Link;
  readonly snapshot: RunSnapshot | undefined;
  readonly history: History;
}

/** Same bound as the coordinator's. */
const mostPoints = 2_000;
const mostEvents = 200;

export function emptyModel(): Model {
  return { link: { kind: "connecting" }, snapshot: undefined, history: createHistory(mostPoints) };
}

/** Everything anew, after (re)connecting. */
export function loaded(model: Model, snapshot: RunSnapshot, points: readonly CommitPoint[]): Model {
  const history = createHistory(mostPoints);
  for (const point of points) history.add(point);
  return { ...model, snapshot, history };
}

export function received(model: Model, message: StreamMessage): Model {
  const { snapshot } = model;
  switch (message.kind) {
    case "snapshot":
      return { ...model, snapshot: message.snapshot };
    case "commit":
      if (isKnown(model.history, message.point)) return model;
      model.history.add(message.point);
      return snapshot ? { ...model, snapshot: withCommit(snapshot, message.point) } : model;
    case "event":
      return snapshot ? { ...model, snapshot: withEvent(snapshot, message.event) } : model;
  }
}

/** Commits come in order of their steps; after a reconnect the first may have come with the history already. */
function isKnown(history: History, point: CommitPoint): boolean {
  const last = history.points().at(-1);
  return last !== undefined && point.step <= last.step;
}

/** A commit says most of what the next snapshot will say, and comes sooner. */
function withCommit(snapshot: RunSnapshot, point: CommitPoint): RunSnapshot {
  const trained = Object.keys(point.loss).length > 0;
  return {
    ...snapshot,
    step: Math.max(snapshot.step, trained ? point.step + 1 : point.step),
    tasks: snapshot.tasks.map((task) => withTaskCommit(task, point)),
  };
}

function withTaskCommit(task: TaskSnapshot, point: CommitPoint): TaskSnapshot {
  const loss = point.loss[task.task];
  const values = point.evaluation[task.task];
  return {
    ...task,
    training: loss === undefined ? task.training : { ...task.training, loss },
    evaluation: values ? { step: point.step, values } : task.evaluation,
  };
}

function withEvent(snapshot: RunSnapshot, event: RunEvent): RunSnapshot {
  return { ...snapshot, events: [...snapshot.events, event].slice(-mostEvents) };
}

export function isOver(snapshot: RunSnapshot | undefined): boolean {
  return snapshot !== undefined && ["finished", "interrupted", "failed"].includes(snapshot.state);
}
