import type { MessageOf } from "@latentweave/protocol";

/** Follows which version each shard holds, and what is said of versions that all of them hold. */
export interface SettlementCheck {
  begin(shard: string, message: MessageOf<"begin">): void;
  applied(shard: string, message: MessageOf<"applied">): void;
  settled(message: MessageOf<"settled">): void;
  attach(connection: number): void;
  broadcast(shard: string, worker: string, connection: number, message: MessageOf<"broadcast">): void;
}

export function checkSettlement(
  shards: number,
  violated: (invariant: string, text: string) => void,
): SettlementCheck {
  /** The newest version that a shard has been seen to hold, by its own word, of a timeline. */
  const held = new Map<string, { timeline: number; version: number }>();
  /** Attachments that have heard nothing yet. */
  const fresh = new Set<number>();
  const seen = new Set<number>();
  const note = (shard: string, timeline: number, version: number): void => {
    const known = held.get(shard);
    if (!known || timeline > known.timeline || (timeline === known.timeline && version > known.version))
      held.set(shard, { timeline, version });
  };
  /** Shards that are not known to hold a version (the leader is known by what it says of itself). */
  const lacking = (timeline: number, version: number): string | undefined => {
    for (let index = 0; index < shards; index++) {
      const known = held.get(`shard-${index}`);
      if (!known || known.timeline < timeline || (known.timeline === timeline && known.version < version))
        return `shard-${index}`;
    }
    return undefined;
  };
  return {
    begin(shard, { timeline, step }) {
      note(shard, timeline, step);
    },
    applied: (shard, { timeline, version }) => note(shard, timeline, version),
    settled({ timeline, version }) {
      // The leader says so of what it holds itself.
      note("shard-0", timeline, version);
      const without = lacking(timeline, version);
      if (without !== undefined)
        violated("settled", `version ${version} is said to be settled, and ${without} does not hold it`);
    },
    attach(connection) {
      // A second time on one connection: what it hears until that arrives is said to its older attachment.
      if (!seen.has(connection)) fresh.add(connection);
      seen.add(connection);
    },
    broadcast(shard, worker, connection, { timeline, step }) {
      note(shard, timeline, step);
      if (!fresh.delete(connection)) return;
      const without = lacking(timeline, step);
      if (without !== undefined)
        violated(
          "settled",
          `${shard} gives ${worker} version ${step} to begin with, which ${without} does not hold`,
        );
    },
  };
}
