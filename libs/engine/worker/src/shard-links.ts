import type { Compute } from "@latentweave/model";
import {
  type Channel,
  closeCodes,
  type MessageOf,
  ProtocolError,
  protocolVersion,
} from "@latentweave/protocol";
import type { WorkerOptions } from "./worker-options.ts";

interface Link {
  channel: Channel | undefined;
  /** Step and membership of its newest broadcast. */
  step: number;
  quorumId: number;
  /** Times in a row that the shard closed for a mistake of ours, with no step in between. */
  refusals: number;
}

/** A refusal may come of a garbled frame, and everything is sent again; the third in a row is ours to answer for. */
const mostRefusals = 3;

/**
 * A worker's connections to the shards: weights come in by them, partials go out.
 *
 * Invariant 1 of the worker: weights count as those of step s only when every shard has declared them current for s.
 */
export interface ShardLinks {
  /** The step that all shards agree on under a membership not below `quorumId`; undefined while they differ. */
  agreedStep(quorumId: number): number | undefined;
  /** Indices of the shards that can be spoken to now, with their channels. */
  open(): readonly (readonly [index: number, channel: Channel])[];
  readonly count: number;
  stop(): void;
}

export function createShardLinks(options: {
  readonly runId: string;
  readonly workerId: string;
  readonly addresses: readonly string[];
  readonly keepShard: WorkerOptions["keepShard"];
  readonly compute: Compute;
  /** A shard is there, for the first time or again: it may have lost what it was sent. */
  readonly onAttached: (index: number) => void;
  readonly onBroadcast: () => void;
  readonly onFailed: (error: unknown) => void;
}): ShardLinks {
  const { runId, workerId } = options;
  const links = options.addresses.map((): Link => ({
    channel: undefined,
    step: -1,
    quorumId: -1,
    refusals: 0,
  }));
  let over = false;

  const takeBroadcast = (
    link: Link,
    message: MessageOf<"broadcast">,
    slices: readonly Uint8Array[],
  ): void => {
    if (message.slices.length > 0) {
      const updates = message.slices.map(({ group, start, numbers }, place) => {
        const bytes = slices[place];
        if (bytes?.byteLength !== numbers * 4)
          throw new ProtocolError("a broadcast slice has the wrong length");
        return { group, start, values: new Float32Array(bytes.slice().buffer) };
      });
      options.compute.setParameters(updates).catch(options.onFailed);
    }
    if (message.step > link.step) link.refusals = 0;
    link.step = message.step;
    link.quorumId = message.quorumId;
    options.onBroadcast();
  };

  const attach = (index: number, link: Link, channel: Channel): void => {
    if (over) return;
    link.channel = channel;
    channel.onMessage((message, slices) => {
      try {
        if (message.type !== "broadcast")
          throw new ProtocolError(`a worker does not take "${message.type}" from a shard`);
        takeBroadcast(link, message, slices);
      } catch (error) {
        channel.close(closeCodes.protocolError, error instanceof Error ? error.message.slice(0, 120) : "");
      }
    });
    channel.onClose((code, reason) => {
      if (link.channel !== channel) return;
      link.channel = undefined;
      if (code !== closeCodes.protocolError) return;
      link.refusals += 1;
      if (link.refusals >= mostRefusals)
        options.onFailed(
          new Error(`parameter-server shard ${index} does not take what this worker sends: ${reason}`),
        );
    });
    channel.send({ type: "attach", runId, protocol: protocolVersion, workerId });
    options.onAttached(index);
  };

  const keeps = options.addresses.map((address, index) =>
    options.keepShard(address, (channel) => attach(index, links[index] as Link, channel)),
  );

  return {
    agreedStep(quorumId) {
      const step = links[0]?.step ?? -1;
      const agreed = links.every((link) => link.step === step && link.quorumId >= quorumId);
      return agreed && step >= 0 ? step : undefined;
    },
    open: () =>
      links.flatMap(({ channel }, index) => (channel === undefined ? [] : [[index, channel] as const])),
    count: links.length,
    stop() {
      over = true;
      for (const keep of keeps) keep.stop();
    },
  };
}
