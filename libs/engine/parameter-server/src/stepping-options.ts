import type { StepPlan } from "@latentweave/plan";
import type {
  Channel,
  Clock,
  Deal,
  Lease,
  MessageOf,
  Probe,
  ShardMoment,
  SpanRecorder,
} from "@latentweave/protocol";
import type { OfferPolicy } from "./offers.ts";
import type { BlockProducts } from "./products.ts";
import type { Training } from "./training.ts";
import type { Suspicion } from "./witnesses.ts";

/** Where a shard begins, or begins again. */
export interface Beginning {
  readonly timeline: number;
  /** `held`: the state's memory outlived its process, and with it the leader's last decision. */
  readonly from: MessageOf<"begin">["from"];
  /** The combiner's state that a checkpoint or a recovery point holds, as JSON; the leader's alone. */
  readonly combiner: string | undefined;
}

/**
 * The steps of one shard, one after the other: reduce, decide (leader), update, publish.
 *
 * Invariants (of the shard; docs/commit.md has them all):
 * 1. At most one step is in progress; its number is the version of the weights it is computed on.
 * 2. Weights change only in `apply`, which runs once per step and only on a `decide` of the leader.
 * 3. Nothing of version n+1 is published before that, and the decision outlives the leader's process before anybody
 *    hears of it.
 * 4. What arrives for another step or timeline is dropped and counted: identity is (run, timeline, step, round, task,
 *    node, slice).
 * 5. A decision on a step that this shard cannot apply yet (its memory outlived its process, its gradients did not)
 *    waits until the gradients have come again.
 */
export interface Stepping {
  /** Publishes the weights as they are and opens their step. */
  begin(beginning: Beginning): void;
  /** The weights are about to be overwritten: whatever is heard before it begins again changes nothing. */
  cease(): void;
  /**
   * @param from default: nobody who could be asked for anything
   * @throws ProtocolError when the push is for a step to come, or does not fit this one
   */
  push(message: MessageOf<"push">, bytes: readonly Uint8Array[], workerId: string, from?: Sender): void;
  /** @throws ProtocolError as `push` does */
  offered(message: MessageOf<"offer">, from: Sender): void;
  /** Nothing more comes by this channel. */
  left(channel: Channel): void;
  /** Leader: what a shard reports. @throws ProtocolError when it is for a step to come. */
  reduced(message: MessageOf<"reduced">, products: readonly BlockProducts[]): void;
  /** Leader: the coordinator has everything up to this step. */
  acknowledged(timeline: number, step: number): void;
  /** Leader: every shard has come to hold one more version. */
  settled(): void;
  /** Leader: another coordinator may be there; everything that it may lack is told again. */
  tellRecords(): void;
  /** Leader: a follower has (re)connected and holds `version`; it hears what it may have missed. */
  decisionsSince(version: number): readonly MessageOf<"decide">[];
  /** Leader: numbers that are not finite are the tasks' own doing; the step is committed without them. */
  bearOut(timeline: number, step: number): void;
  /** Follower: its leader may be another process that has not heard this shard's report. */
  reportAgain(): void;
  /**
   * Leader: nothing further is committed; a checkpoint of the version that holds follows, unless one was made or is on
   * its way already.
   */
  stop(reason: string): void;
  /** The leader's word. What it says of another timeline, or of a step that is over, is ignored. */
  decided(decide: MessageOf<"decide">): void;
  /** Leader: the oldest step whose record can still be told. */
  readonly recordsFrom: number;
  /** Nothing further will be committed. */
  readonly over: boolean;
  /** Leader: the combiner's state now, as JSON. */
  readonly combiner: string;
  /** Leader, where sampling is adaptive: what each task has of a step, of the newest version or the one before it. */
  deal(step: number): Deal | undefined;
}

/** Where a push or an offer comes from. */
export interface Sender {
  readonly channel: Channel;
  /** It may not speak: what it sends is dropped, and counted. */
  readonly fenced: boolean;
}

export interface SteppingOptions {
  readonly runId: string;
  readonly index: number;
  readonly shards: number;
  readonly training: Training;
  readonly clock: Clock;
  readonly leads: boolean;
  /** Modes without an order; default: nothing is asked for. */
  readonly offers?: OfferPolicy;
  readonly probe: Probe<ShardMoment> | undefined;
  readonly spans?: SpanRecorder | undefined;
  /** Leader: digest of the version that the step was computed on. */
  readonly digestOf: (version: number) => string;
  /** Leader: every shard holds this version. */
  readonly isSettled: (version: number) => boolean;
  /** Followers: all of this shard's gradient slices are complete. */
  readonly onReduced: (
    plan: StepPlan,
    finite: boolean,
    products: readonly BlockProducts[],
    received: MessageOf<"reduced">["received"],
    /** In modes with an order: the version that the planned step is computed on. */
    basis?: number,
    /** Tasks whose gradients are not finite. */
    odd?: readonly string[],
  ) => void;
  /** Leader: to be told to the followers. */
  readonly onDecided: (decide: MessageOf<"decide">) => void;
  /** Leader: the record of a commit, before any of its weights leave. */
  readonly onCommitted: (record: MessageOf<"committed">) => void;
  readonly onStopped: (stopped: Omit<MessageOf<"stopped">, "type" | "runId">) => void;
  /** There is a version to publish: the first one, or one more. */
  readonly onPublish: () => void;
  /** From now on workers wait for this shard, or no more; default: nobody asks. */
  readonly onWorkersWait?: (wait: boolean) => void;
  readonly onApplied: (
    step: number,
    timings: { readonly update: number; readonly publish: number },
    /** How well what was changed agrees with what would have been, where that is rounded and was measured. */
    cosine?: number,
  ) => void;
  readonly onCheckpoint: () => void;
  /** Leader: this version is to be kept as a recovery point; default: none is. */
  readonly isCutDue?: (version: number) => boolean;
  /** The newest version is to be kept as one; `combiner`: its state then, as JSON. */
  readonly onCut?: (combiner: string) => void;
  /** Leader: a step is decided on other weights than the job's combiner would have given; default: nobody is told. */
  readonly onWarning?: (warning: string) => void;
  readonly onLate: (step: number, missing: readonly Lease[]) => void;
  readonly onSuspicion: (suspicion: Suspicion) => void;
  /** The step must not be committed as it is: nothing happens until the shard is told to begin anew. */
  readonly onUnfit: (unfit: Pick<MessageOf<"unfit">, "step" | "reason" | "tasks" | "pausable">) => void;
}
