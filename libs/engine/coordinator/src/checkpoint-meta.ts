import type { CheckpointSource } from "@latentweave/protocol";

/** What a checkpoint keeps besides tensors: the combiner's state, as the leader told it in JSON. */
export function checkpointMeta(combiner: string): Readonly<Record<string, unknown>> {
  return { combiner: JSON.parse(combiner) as unknown };
}

/** The JSON text for the leader to go on from; undefined when the checkpoint keeps none. */
export function combinerOf(source: CheckpointSource | undefined): string | undefined {
  const state = source?.meta?.combiner;
  return state === undefined ? undefined : JSON.stringify(state);
}
