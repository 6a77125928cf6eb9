/** Where a run is in its life (docs/run-states.md); each state holds just what it needs. */
export type Life =
  | { readonly state: "starting" | "waiting" | "running" }
  /** `version`: what the leader stopped at, once it has said so. */
  | { readonly state: "stopping"; readonly reason: string; readonly version: number | undefined }
  | { readonly state: "finished" }
  | { readonly state: "interrupted" | "failed"; readonly reason: string };

export type LifeEvent =
  | { readonly kind: "shards-ready" }
  | { readonly kind: "quorum"; readonly workers: number }
  | { readonly kind: "stop"; readonly reason: string }
  /** The leader commits nothing further; a checkpoint of this version follows. */
  | { readonly kind: "stopped"; readonly version: number; readonly reason: string }
  /** What is on disk, or what is committed, has moved on. `complete`: every step is committed and the last version durable. */
  | { readonly kind: "durable"; readonly version: number; readonly complete: boolean }
  | { readonly kind: "fail"; readonly reason: string };

export type Over = Extract<Life, { readonly state: "finished" | "interrupted" | "failed" }>;

export function isOver(life: Life): life is Over {
  return life.state === "finished" || life.state === "interrupted" || life.state === "failed";
}

/** Pure: the life after an event. A run that is over stays as it ended; what does not fit a state changes nothing. */
export function lifeAfter(life: Life, event: LifeEvent): Life {
  if (isOver(life)) return life;
  switch (event.kind) {
    case "shards-ready":
      return life.state === "starting" ? { state: "waiting" } : life;
    case "quorum":
      if (life.state === "starting" || life.state === "stopping") return life;
      return { state: event.workers > 0 ? "running" : "waiting" };
    case "stop":
      // No weights yet, or the checkpoint is not to be waited for any longer.
      if (life.state === "starting" || life.state === "stopping")
        return { state: "interrupted", reason: event.reason };
      return { state: "stopping", reason: event.reason, version: undefined };
    case "stopped":
      return { state: "stopping", reason: event.reason, version: event.version };
    case "durable":
      if (event.complete) return { state: "finished" };
      if (life.state === "stopping" && life.version === event.version)
        return { state: "interrupted", reason: life.reason };
      return life;
    case "fail":
      return { state: "failed", reason: event.reason };
  }
}
