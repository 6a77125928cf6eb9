import { hasEndedEarly, lastStep, type RunSpec, totalSteps } from "@latentweave/plan";
import type { CheckpointSource, MessageOf } from "@latentweave/protocol";
import { checkpointMeta, combinerOf } from "./checkpoint-meta.ts";
import type { Checkpointing } from "./checkpointing.ts";
import type { Durable } from "./run-record.ts";
import type { ShardPeers } from "./shard-peers.ts";
import type { Holding } from "./starting-point.ts";

/**
 * What the end of a run waits for: the version that nothing follows, and its checkpoint.
 *
 * Invariants:
 * 1. Only a version of which the leader has told the combiner's state is announced: nothing else is followed by a
 *    checkpoint.
 * 2. The checkpoint that ends the run is asked for again whenever a part of it may have gone elsewhere: nobody trains any
 *    further, so it is there to be had.
 */
export interface Ending {
  /** The newest version that is on disk. */
  readonly durable: Durable | undefined;
  /** Nothing follows what is recorded. */
  readonly isCommitted: boolean;
  /** The newest version on disk is the one that nothing follows. */
  readonly isDurable: boolean;
  /** Nothing follows this version. */
  isLast(version: number): boolean;
  /** A checkpoint is whole. */
  written(durable: Durable): void;
  /** Everybody goes back to this version. @param source the newest checkpoint; it may be older */
  beginAnew(version: number, source: CheckpointSource | undefined): void;
  /** The leader has told a commit. */
  committed(message: MessageOf<"committed">): void;
  /** The commit that nothing follows is on disk. */
  recordedLast(): void;
  /** The leader has stopped. */
  stopped(message: MessageOf<"stopped">): void;
  /** All shards are here. @returns the version that they have or are about to make */
  shardsHere(leader: Holding): number;
  /** Nothing follows the version that they have or are about to make: its record is there. */
  headsForLast(): void;
  /**
   * The leader goes no further: the coordinator before this one may have heard of it.
   * @returns why: it has made all steps there are, or was stopped before
   */
  takeOver(leader: NonNullable<Holding>): "finished" | "stopped";
  /** The checkpoint that ends the run is asked for, where there is one to be had and it is not on disk. */
  ask(): void;
}

export function createEnding(options: {
  readonly runId: string;
  readonly spec: RunSpec;
  readonly checkpointing: Pick<Checkpointing, "announce" | "askFor" | "ignores">;
  readonly shards: () => Pick<ShardPeers, "complete" | "newestCame" | "channels">;
  /** What the run goes on from. */
  readonly resume: CheckpointSource | undefined;
  /** The first step that has no record. */
  readonly nextStep: number;
}): Ending {
  const { runId, spec, checkpointing, shards, resume } = options;
  let durable: Durable | undefined = resume && { version: resume.version, hash: resume.hash ?? null };
  const endedEarly = hasEndedEarly(combinerOf(resume));
  let isCommitted = endedEarly || Math.max(durable?.version ?? 0, options.nextStep) > lastStep(spec);
  /** The version that nothing follows; and the newest that a checkpoint was told of, with what that keeps. */
  let last: number | undefined = endedEarly ? durable?.version : undefined;
  let announced: { readonly version: number; readonly meta: ReturnType<typeof checkpointMeta> } | undefined;

  /** Invariant 1. */
  const announce = ({
    version,
    combiner,
  }: Pick<MessageOf<"committed" | "stopped">, "version" | "combiner">): void => {
    if (combiner === undefined) return;
    announced = { version, meta: checkpointMeta(combiner) };
    checkpointing.announce(version, announced.meta);
  };

  /** A record that is told again: what shards sent of its checkpoint may have gone over connections that are no more. */
  const announceAgain = ({ version, combiner }: MessageOf<"committed">): void => {
    if (combiner === undefined || durable?.version === version) return;
    const meta = checkpointMeta(combiner);
    // The leader may have said before that it holds a later one, at which it has stopped.
    if (version >= (announced?.version ?? 0)) announced = { version, meta };
    if (version === totalSteps(spec) || hasEndedEarly(combiner)) ask();
    else checkpointing.announce(version, meta);
  };

  /** Invariant 2. */
  const ask = (): void => {
    const version = last ?? (announced?.version === totalSteps(spec) ? announced.version : undefined);
    if (version === undefined || !shards().complete) return;
    if (durable?.version === version || announced?.version !== version) return;
    const attempt = checkpointing.askFor(version, announced.meta);
    if (attempt === undefined) return;
    for (const channel of shards().channels()) channel.send({ type: "checkpoint", runId, version, attempt });
  };

  return {
    get durable() {
      return durable;
    },
    get isCommitted() {
      return isCommitted;
    },
    get isDurable() {
      return isCommitted && durable?.version === (last ?? totalSteps(spec));
    },
    isLast: (version) => version === last,
    written(version) {
      durable = version;
    },
    beginAnew(version, source) {
      const hasEnded = source?.version === version && hasEndedEarly(combinerOf(source));
      isCommitted = hasEnded || version > lastStep(spec);
      last = hasEnded ? version : undefined;
      announced = undefined;
      durable = source && { version: source.version, hash: source.hash ?? null };
    },
    committed(message) {
      if (message.version <= shards().newestCame) announceAgain(message);
      else announce(message);
      if (message.last) last = message.version;
      if (checkpointing.ignores(message.version)) ask();
    },
    recordedLast() {
      isCommitted = true;
    },
    stopped(message) {
      const { version, combiner } = message;
      last = version;
      // The checkpoint of this very version may have been due, and be written already.
      if (durable?.version !== version) announce(message);
      // What was sent of it before may have gone to a coordinator, or over a connection, that is no more.
      const mayBeGone = combiner === undefined || version <= shards().newestCame;
      if (mayBeGone || checkpointing.ignores(version)) ask();
    },
    shardsHere(leader) {
      // A leader may have decided on the last step, and wait for gradients that it lost with its process.
      const heading = isCommitted ? (last ?? totalSteps(spec)) : (leader?.version ?? 0);
      if (leader?.combiner !== undefined && heading > (announced?.version ?? -1))
        announced = { version: heading, meta: checkpointMeta(leader.combiner) };
      return heading;
    },
    headsForLast() {
      last ??= totalSteps(spec);
    },
    takeOver({ version, combiner }) {
      last = version;
      if (version <= lastStep(spec) && !hasEndedEarly(combiner)) return "stopped";
      isCommitted = true;
      return "finished";
    },
    ask,
  };
}
