import type { CheckpointSink, MessageOf, RunStore } from "@latentweave/protocol";

/** Collects the slices that shards stream, one checkpoint per version, several in flight without mixing. */
export interface Checkpointing {
  /**
   * The leader's word that a checkpoint of this version comes, and what to keep beside its tensors. Slices of other
   * shards may arrive before it and wait for it.
   */
  announce(version: number, meta: Readonly<Record<string, unknown>>): void;
  slice(message: MessageOf<"checkpoint-slice">, bytes: Uint8Array): void;
  end(message: MessageOf<"checkpoint-end">): void;
  /** Resolves when what was begun is finished. */
  idle(): Promise<void>;
  abandon(): Promise<void>;
}

interface Collecting {
  readonly announced: (meta: Readonly<Record<string, unknown>>) => void;
  /** Opened when the checkpoint is announced. */
  readonly sink: Promise<CheckpointSink>;
  writes: Promise<void>;
  readonly ended: Set<number>;
}

export function createCheckpointing(options: {
  readonly store: RunStore;
  readonly shards: number;
  readonly sections: readonly string[];
  readonly onFinished: (version: number, hash: string) => void;
  readonly onFailed: (error: unknown) => void;
}): Checkpointing {
  const collecting = new Map<number, Collecting>();
  let chain: Promise<void> = Promise.resolve();
  const at = (version: number): Collecting => {
    let entry = collecting.get(version);
    if (!entry) {
      let announced: Collecting["announced"] = () => undefined;
      const meta = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
        announced = resolve;
      });
      entry = {
        announced,
        sink: meta.then((known) => options.store.beginCheckpoint(version, options.sections, known)),
        writes: Promise.resolve(),
        ended: new Set(),
      };
      entry.sink.catch(options.onFailed);
      collecting.set(version, entry);
    }
    return entry;
  };
  return {
    announce: (version, meta) => at(version).announced(meta),
    slice(message, bytes) {
      const entry = at(message.version);
      // The channel's buffer is only ours during this call (Channel, invariant 4).
      const own = bytes.slice();
      entry.writes = entry.writes.then(async () =>
        (await entry.sink).write(message.section, message.slice, own),
      );
      entry.writes.catch(options.onFailed);
    },
    end(message) {
      const entry = at(message.version);
      entry.ended.add(message.index);
      if (entry.ended.size < options.shards) return;
      chain = chain
        .then(async () => {
          await entry.writes;
          const { hash } = await (await entry.sink).finish();
          collecting.delete(message.version);
          options.onFinished(message.version, hash);
        })
        .catch(options.onFailed);
    },
    idle: () => chain,
    async abandon() {
      for (const entry of collecting.values()) {
        entry.announced({});
        await entry.writes.catch(() => undefined);
        await entry.sink.then((sink) => sink.abandon()).catch(() => undefined);
      }
      collecting.clear();
    },
  };
}
