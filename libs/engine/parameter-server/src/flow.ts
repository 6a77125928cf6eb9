import { isOrdered, type RunSpec } from "@latentweave/plan";
import type { Channel, MessageOf } from "@latentweave/protocol";
import { createOrderedFlow } from "./ordered/ordered-flow.ts";
import { createStepping } from "./stepping.ts";
import type { Stepping, SteppingOptions } from "./stepping-options.ts";
import { createSubscribers, type Subscribers } from "./subscribers.ts";

/**
 * How steps follow each other on a shard: what a run's mode changes about it. In `sync` and `diloco` one after the
 * other, each on the version before it; in `stale` and `async` side by side.
 */
export interface Flow {
  readonly stepping: Stepping;
  readonly subscribers: Subscribers;
  members(message: MessageOf<"members">): void;
  /** Follower, in modes with an order. */
  assigned(message: MessageOf<"assign">): void;
  /** Leader, in modes with an order. */
  lacking(message: MessageOf<"lacking">): void;
  /** Leader: a follower may have heard nothing. */
  bringUpToDate(follower: Channel): void;
}

export interface FlowOptions {
  readonly runId: string;
  readonly index: number;
  readonly spec: RunSpec;
  readonly stepping: SteppingOptions;
  readonly subscribers: Parameters<typeof createSubscribers>[0];
  readonly timeline: () => number;
  readonly followers: () => Iterable<Channel>;
  readonly leader: () => Channel | undefined;
  readonly coordinator: () => Channel | undefined;
  readonly onFailed: (error: unknown) => void;
}

export function createFlow(options: FlowOptions): Flow {
  if (isOrdered(options.spec)) return createOrderedFlow(options);
  const subscribers = createSubscribers(options.subscribers);
  return {
    stepping: createStepping(options.stepping),
    subscribers,
    members: (message) => subscribers.setMembers(membersOf(message)),
    assigned: () => undefined,
    lacking: () => undefined,
    bringUpToDate: () => undefined,
  };
}

export function membersOf({ workers }: MessageOf<"members">): Parameters<Subscribers["setMembers"]>[0] {
  return new Map(workers.map((worker) => [worker.workerId, worker]));
}
