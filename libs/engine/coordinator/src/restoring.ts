import { ownership, type ParameterLayout } from "@latentweave/parameters";
import type { Channel, CheckpointSource } from "@latentweave/protocol";

/** Numbers read and sent at a time: bounds memory on both sides. */
const chunkNumbers = 1 << 20;

/** Sends one shard its part of a checkpoint, however many shards wrote it. */
export async function sendRestore(options: {
  readonly runId: string;
  readonly layout: ParameterLayout;
  readonly source: CheckpointSource;
  readonly shards: number;
  readonly index: number;
  readonly channel: Channel;
}): Promise<void> {
  const { runId, layout, source, shards, index, channel } = options;
  for (const section of source.sections) {
    for (const owned of ownership(layout, shards)[index] ?? []) {
      for (let at = 0; at < owned.numbers; at += chunkNumbers) {
        const slice = {
          group: owned.group,
          start: owned.start + at,
          numbers: Math.min(chunkNumbers, owned.numbers - at),
        };
        channel.send({ type: "restore", runId, section, slice }, [await source.read(section, slice)]);
        await channel.drained();
      }
    }
  }
}
