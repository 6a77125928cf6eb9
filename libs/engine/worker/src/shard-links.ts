import type { Compute } from "@latentweave/model";
import {
  type Channel,
  type Clock,
  closeCodes,
  type Deal,
  type MessageOf,
  ProtocolError,
  protocolVersion,
  type SpanRecorder,
} from "@latentweave/protocol";
import type { ReceivedWeights } from "./received-weights.ts";
import type { SendingWay, WayToShard } from "./step-work.ts";
import { createWeightsInPlace } from "./weights-in-place.ts";
import type { WorkerOptions } from "./worker-options.ts";

interface Link {
  keep: { stop(): void };
  /** Undefined: it is not to be dialled yet. */
  address: string | undefined;
  /** Where the shard itself is. */
  direct: string | undefined;
  cancelFallBack: (() => void) | undefined;
  channel: Channel | undefined;
  /** Timeline, step and membership of its newest broadcast on this attachment; step −1 before the first. */
  timeline: number;
  step: number;
  /** Modes with an order: the version whose weights it gave, to compute planned step `step` on. */
  basis: number | undefined;
  /** The leader's, where sampling is adaptive: what each task has of the step. */
  deal: Deal | undefined;
  /** Slices that it has sent on this channel, by group and start: the version of the weights that they were part of. */
  given: Map<string, number>;
  quorumId: number;
  sending: SendingWay;
  /** The same modes: what this shard's part of the weights on the device is for, whatever became of the attachment. */
  holds: MessageOf<"attach">["holds"];
  /** Times in a row that the shard closed for a mistake of ours, with no step in between; and where it was then. */
  refusals: number;
  refusedAt: Moment;
}

/**
 * After a refusal everything is sent again; the third in a row is ours to answer for. A frame that was garbled on the
 * way is none: that closes the connection as `damaged`.
 */
const mostRefusals = 3;

/**
 * A worker's connections to the shards: weights come in by them, partials go out.
 *
 * Invariant 1 of the worker: weights count as those of step s only when every shard has declared them current for s,
 * on one timeline.
 */
export interface ShardLinks {
  /**
   * What all shards agree on under this membership; undefined while they differ. Under a later one they may already send
   * the weights of other tasks only.
   */
  agreed(quorumId: number): Moment | undefined;
  /** The earliest step that any shard is at, when all are there and differ. */
  behind(): Moment | undefined;
  /** Indices of the shards that are at this step and know this membership, with their channels: others drop what is sent. */
  at(moment: Moment, quorumId: number): readonly WayToShard[];
  /**
   * Some shard has not got beyond this step, and it must be computed once more: shards that are ahead are asked for
   * its weights again.
   */
  goBackTo(moment: Moment): void;
  /** The weights of every shard are read where the shards have them: what broadcasts bring besides is not looked at. */
  readonly mapped: boolean;
  /** How shards are reached now; one that cannot be is dialled at once. */
  moveTo(routes: readonly Route[]): void;
  stop(): void;
}

/** What a worker dials to come to a shard. */
export interface Route {
  /** Undefined: nothing yet. */
  readonly address: string | undefined;
  /** Where the shard itself is, when `address` is not that, but another worker's. */
  readonly direct?: string | undefined;
}

/** A relay of this host that cannot be reached for so long is done without: every worker can speak for itself. */
const fallBackMs = 1_000;

/** A step of a timeline: what weights are current for. */
export interface Moment {
  readonly timeline: number;
  readonly step: number;
  /** Modes with an order: the version that the weights are of. */
  readonly basis?: number | undefined;
  /** Where sampling is adaptive: what each task has of the step. It follows from the rest. */
  readonly deal?: Deal | undefined;
}

export function isSameMoment(one: Moment, other: Moment): boolean {
  return one.timeline === other.timeline && one.step === other.step && one.basis === other.basis;
}

export function createShardLinks(options: {
  readonly runId: string;
  readonly workerId: string;
  readonly routes: readonly Route[];
  readonly clock: Clock;
  readonly keepShard: WorkerOptions["keepShard"];
  readonly weights: ReceivedWeights;
  readonly setParameters: Compute["setParameters"];
  readonly mapWeights: Compute["mapWeights"];
  /**
   * A shard, or whoever relays to it, may have lost what it was sent: it is attached to anew, or says an earlier step than
   * before. Modes with an order: it waits for this.
   */
  readonly onMayLack: (index: number) => void;
  readonly onBroadcast: () => void;
  /** A shard wants some of what it was offered. */
  readonly onAsked: (index: number, channel: Channel, message: MessageOf<"ask">) => void;
  readonly onFailed: (error: unknown) => void;
  readonly log: (line: string) => void;
  readonly spans?: SpanRecorder;
}): ShardLinks {
  const { runId, workerId } = options;
  const links = options.routes.map(({ address, direct }): Link => ({
    keep: { stop: () => undefined },
    address,
    direct,
    cancelFallBack: undefined,
    channel: undefined,
    timeline: -1,
    step: -1,
    ...{ basis: undefined, deal: undefined },
    given: new Map(),
    quorumId: -1,
    sending: {},
    holds: undefined,
    refusals: 0,
    refusedAt: { timeline: -1, step: -1 },
  }));
  let over = false;

  const sayAttach = (index: number, link: Link): void => {
    inPlace.forget(index);
    const { holds } = link;
    link.channel?.send({
      ...{ type: "attach", runId, protocol: protocolVersion, workerId },
      ...(holds && { holds }),
    });
    options.onMayLack(index);
  };

  const inPlace = createWeightsInPlace({
    ...{ shards: links.length, mapWeights: options.mapWeights, log: options.log, onFailed: options.onFailed },
    tell: (index) => links[index]?.channel?.send({ type: "weights-mapped", runId, index }),
    onLost() {
      for (const [index, link] of links.entries()) {
        link.step = -1;
        link.given = new Map();
        sayAttach(index, link);
      }
    },
  });

  const takeBroadcast = (
    index: number,
    link: Link,
    message: MessageOf<"broadcast">,
    slices: readonly Uint8Array[],
  ): void => {
    const { spans } = options;
    const startedMs = spans?.nowMs() ?? 0;
    if (!inPlace.admit(index)) return;
    if (message.slices.length > 0 && !inPlace.active) {
      const version = message.basis ?? message.step;
      const received = message.slices.map(({ group, start, numbers, from, codec }, place) => {
        const key = `${group}:${start}`;
        if (from !== undefined && from > (link.given.get(key) ?? -1))
          throw new ProtocolError(`a change since version ${from} of what is not here`);
        link.given.set(key, version);
        const isChange = from !== undefined;
        return { group, start, numbers, isChange, codec, bytes: slices[place] ?? new Uint8Array() };
      });
      options.setParameters(options.weights.take(received)).catch(options.onFailed);
    }
    spans?.add("receive", message.timeline, message.step, startedMs, spans.nowMs(), `shard-${index}`);
    const { refusedAt } = link;
    const goesBack = message.timeline === link.timeline && message.step < link.step;
    if (message.timeline !== refusedAt.timeline || message.step > refusedAt.step) link.refusals = 0;
    link.timeline = message.timeline;
    link.step = message.step;
    link.basis = message.basis;
    link.deal = message.deal;
    link.quorumId = message.quorumId;
    const { offersOver, portionBytes } = message;
    link.sending = { offersOver, portionBytes };
    if (message.basis !== undefined)
      link.holds = { timeline: message.timeline, planned: message.step, basis: message.basis };
    if (message.basis !== undefined || goesBack) options.onMayLack(index);
    options.onBroadcast();
  };

  const attach = (index: number, link: Link, channel: Channel): void => {
    if (over) return;
    link.cancelFallBack?.();
    link.channel = channel;
    link.step = -1;
    link.given = new Map();
    channel.onMessage((message, slices) => {
      try {
        if (message.type === "weights") inPlace.offered(index, message);
        else if (message.type === "broadcast") takeBroadcast(index, link, message, slices);
        else if (message.type === "ask") options.onAsked(index, channel, message);
        else throw new ProtocolError(`a worker does not take "${message.type}" from a shard`);
      } catch (error) {
        channel.close(closeCodes.protocolError, error instanceof Error ? error.message.slice(0, 120) : "");
      }
    });
    channel.onClose((code, reason) => {
      if (link.channel !== channel) return;
      link.channel = undefined;
      fallBackLater(index, link);
      if (code !== closeCodes.protocolError) return;
      link.refusals += 1;
      link.refusedAt = { timeline: link.timeline, step: link.step };
      if (link.refusals >= mostRefusals)
        options.onFailed(
          new Error(`parameter-server shard ${index} does not take what this worker sends: ${reason}`),
        );
    });
    sayAttach(index, link);
  };

  const keep = (index: number, link: Link): void => {
    if (link.address === undefined) return;
    link.keep = options.keepShard(link.address, (channel) => attach(index, link, channel));
    if (!link.channel) fallBackLater(index, link);
  };

  /** The relay is not there; it will be named again, or another one, by an assignment. */
  const fallBackLater = (index: number, link: Link): void => {
    const { address, direct } = link;
    link.cancelFallBack?.();
    if (over || direct === undefined || direct === address) return;
    link.cancelFallBack = options.clock.after(fallBackMs, () => {
      link.keep.stop();
      link.address = direct;
      keep(index, link);
    });
  };

  for (const [index, link] of links.entries()) keep(index, link);

  return {
    agreed(quorumId) {
      const { timeline, step, basis, deal } = links[0] ?? { timeline: -1, step: -1 };
      const moment: Moment = { timeline, step, ...(basis !== undefined && { basis }), ...(deal && { deal }) };
      const agreed = links.every((link) => isSameMoment(link, moment) && link.quorumId === quorumId);
      return agreed && step >= 0 ? moment : undefined;
    },
    behind() {
      // In modes with an order nobody goes back: the leader hands the step out anew.
      if (links.some(({ basis }) => basis !== undefined)) return undefined;
      const steps = links.map(({ step }) => step);
      const [{ timeline } = { timeline: -1 }] = links;
      const least = Math.min(...steps);
      const differ =
        least >= 0 && links.every((link) => link.timeline === timeline) && Math.max(...steps) > least;
      return differ ? { timeline, step: least } : undefined;
    },
    at: (moment, quorumId) =>
      links.flatMap((link, index) =>
        link.channel !== undefined && isSameMoment(link, moment) && link.quorumId === quorumId
          ? [[index, link.channel, link.sending] as const]
          : [],
      ),
    goBackTo(moment) {
      const isBehind = links.some(
        ({ timeline, step }) => timeline === moment.timeline && step === moment.step,
      );
      if (!isBehind) return;
      for (const [index, link] of links.entries()) {
        if (link.timeline !== moment.timeline || link.step <= moment.step) continue;
        link.step = -1;
        link.holds = undefined;
        sayAttach(index, link);
      }
    },
    get mapped() {
      return inPlace.active;
    },
    moveTo(routes) {
      for (const [index, link] of links.entries()) {
        const { address, direct } = routes[index] ?? { address: undefined };
        if (over || address === undefined) continue;
        link.direct = direct;
        // Said again of the same place: somebody answers there now, and is not to wait for the next attempt.
        if (address === link.address && link.channel) continue;
        link.keep.stop();
        link.address = address;
        keep(index, link);
      }
    },
    stop() {
      over = true;
      inPlace.stop();
      for (const link of links) {
        link.cancelFallBack?.();
        link.keep.stop();
      }
    },
  };
}
