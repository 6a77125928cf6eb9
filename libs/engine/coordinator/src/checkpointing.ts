import {
  type CheckpointPlace,
  type CheckpointSink,
  type CoordinatorMoment,
  type MessageOf,
  mostPiecesUnderWay,
  type Probe,
  type RunStore,
} from "@latentweave/protocol";
import { createLentBuffers } from "./lent-buffers.ts";

type Meta = Readonly<Record<string, unknown>>;

/** Collects the slices that shards stream, one checkpoint per version, several in flight without mixing. */
export interface Checkpointing {
  /**
   * The leader's word that a checkpoint of this version comes, and what to keep beside its tensors. Slices of other
   * shards may arrive before it and wait for it.
   */
  announce(version: number, meta: Meta): void;
  /**
   * Begins this version, which is due before long, so that shards of this host may write their parts themselves. Calls
   * back once there is where; never, where the store has no such place or something is known of the version already.
   */
  prepare(version: number, onPlace: (place: CheckpointPlace) => void): void;
  /**
   * The shards are about to be asked for this version once more.
   * @returns the attempt to ask for; undefined when all of it is here already
   */
  askFor(version: number, meta: Meta): number | undefined;
  /** What shards send of this version because it is due was given up once, and is ignored: it must be asked for. */
  ignores(version: number): boolean;
  /** A part of it was lost: what still comes of this attempt is ignored. */
  lost(version: number, attempt: number): void;
  /** `bytes`: none where the message names a place. `taken`: called once the piece is put away, or was of no use; nothing else of it is kept here. */
  slice(message: MessageOf<"checkpoint-slice">, bytes: Uint8Array, taken: () => void): void;
  end(message: MessageOf<"checkpoint-end">): void;
  /**
   * A shard was lost: nothing that is under way will become whole, and what still comes of it is ignored. What is only
   * prepared stays.
   */
  drop(): Promise<void>;
  /** Nothing more comes. */
  close(): Promise<void>;
  /** Everybody goes back: versions will be made, and sent, once more. */
  startOver(): Promise<void>;
  /** Resolves when what was begun is finished. */
  idle(): Promise<void>;
}

interface Collecting {
  readonly version: number;
  readonly attempt: number;
  readonly announced: (meta: Meta | undefined) => void;
  /** Undefined when it was dropped before it was announced. */
  readonly meta: Promise<Meta | undefined>;
  /** Opened when the checkpoint is announced, or prepared; undefined when it was dropped before. */
  readonly sink: Promise<CheckpointSink | undefined>;
  /** Something of it has come. */
  begun: boolean;
  writes: Promise<void>;
  readonly ended: Set<number>;
  /** All of it is here. */
  whole: boolean;
}

export function createCheckpointing(options: {
  readonly store: RunStore;
  readonly shards: number;
  readonly sections: readonly string[];
  readonly probe: Probe<CoordinatorMoment> | undefined;
  readonly onFinished: (version: number, hash: string) => void;
  /** It could not be written, and nothing of it is left; shards may be asked for it once more. */
  readonly onRefused: (version: number, error: unknown) => void;
}): Checkpointing {
  const collecting = new Map<number, Collecting>();
  const buffers = createLentBuffers(options.shards * mostPiecesUnderWay);
  /** Attempts at a version below this one are ignored. */
  const leastAttempt = new Map<number, number>();
  let chain: Promise<void> = Promise.resolve();

  const open = (version: number, attempt: number, atOnce = false): Collecting => {
    let announced: Collecting["announced"] = () => undefined;
    const meta = new Promise<Meta | undefined>((resolve) => {
      announced = resolve;
    });
    const begin = (): Promise<CheckpointSink> => options.store.beginCheckpoint(version, options.sections);
    const entry: Collecting = {
      ...{ version, attempt, announced, meta, begun: !atOnce },
      sink: atOnce ? begin() : meta.then((known) => known && begin()),
      writes: Promise.resolve(),
      ended: new Set(),
      whole: false,
    };
    entry.sink.catch(refusedAt(entry));
    collecting.set(version, entry);
    return entry;
  };

  const at = (version: number, attempt: number): Collecting | undefined => {
    if (attempt < (leastAttempt.get(version) ?? 0)) return undefined;
    const entry = collecting.get(version) ?? open(version, attempt);
    return entry.attempt === attempt ? entry : undefined;
  };

  const giveUp = async (entry: Collecting): Promise<void> => {
    collecting.delete(entry.version);
    leastAttempt.set(entry.version, entry.attempt + 1);
    entry.announced(undefined);
    await entry.writes.catch(() => undefined);
    const sink = await entry.sink.catch(() => undefined);
    await sink?.abandon().catch(() => undefined);
  };

  const refusedAt =
    (entry: Collecting) =>
    async (error: unknown): Promise<void> => {
      // A part of one that was given up may fail long after.
      if (collecting.get(entry.version) !== entry) return;
      if (!entry.begun) {
        // When it is due it is tried once more, and whoever asks is told.
        collecting.delete(entry.version);
        return;
      }
      await giveUp(entry);
      options.onRefused(entry.version, error);
    };

  const finish = async (entry: Collecting): Promise<void> => {
    await entry.writes;
    const meta = await entry.meta;
    const sink = await entry.sink;
    if (!sink || !meta) return;
    const { hash } = await sink.finish(meta);
    if (collecting.get(entry.version) === entry) collecting.delete(entry.version);
    // An older one that is not whole by now was told of twice, and is not sent again.
    await Promise.all([...collecting.values()].filter(({ version }) => version < entry.version).map(giveUp));
    options.onFinished(entry.version, hash);
  };

  const drop = async (alsoPrepared: boolean): Promise<void> => {
    const lost = [...collecting.values()].filter(({ whole, begun }) => !whole && (begun || alsoPrepared));
    await Promise.all(lost.map(giveUp));
  };

  return {
    announce(version, meta) {
      const entry = at(version, 0);
      if (!entry) return;
      entry.begun = true;
      entry.announced(meta);
    },
    prepare(version, onPlace) {
      if (collecting.has(version) || leastAttempt.has(version)) return;
      const entry = open(version, 0, true);
      entry.sink.then(
        (sink) => {
          if (sink?.place && collecting.get(version) === entry) onPlace(sink.place);
        },
        () => undefined,
      );
    },
    ignores: (version) => (leastAttempt.get(version) ?? 0) > 0 && !collecting.has(version),
    askFor(version, meta) {
      const before = collecting.get(version);
      if (before?.whole === true) {
        before.announced(meta);
        return undefined;
      }
      // Told of, perhaps begun, and never to become whole.
      if (before) void giveUp(before);
      const attempt = Math.max(1, leastAttempt.get(version) ?? 0);
      leastAttempt.set(version, attempt);
      at(version, attempt)?.announced(meta);
      return attempt;
    },
    lost(version, attempt) {
      const entry = collecting.get(version);
      if (entry?.attempt === attempt && !entry.whole) void giveUp(entry);
      leastAttempt.set(version, Math.max(attempt + 1, leastAttempt.get(version) ?? 0));
    },
    slice(message, bytes, taken) {
      const entry = at(message.version, message.attempt);
      if (!entry || entry.whole) {
        taken();
        return;
      }
      entry.begun = true;
      const { place, section, slice } = message;
      // The channel's buffer is only ours during this call (Channel, invariant 4).
      const own = place === undefined ? buffers.copyOf(bytes) : undefined;
      entry.writes = entry.writes.then(async () => {
        const sink = await entry.sink;
        if (own) await sink?.write(section, slice, own);
        else if (sink?.place?.id === place) await sink?.place?.written(section, slice);
        else throw new Error(`a part of it was written in ${place}, which is another place`);
        options.probe?.("mid-checkpoint", message.version);
      });
      entry.writes.catch(refusedAt(entry)).finally(() => {
        if (own) buffers.giveBack(own);
        taken();
      });
    },
    end(message) {
      const entry = at(message.version, message.attempt);
      if (!entry || entry.whole) return;
      entry.begun = true;
      entry.ended.add(message.index);
      if (entry.ended.size < options.shards) return;
      entry.whole = true;
      chain = chain.then(() => finish(entry)).catch(refusedAt(entry));
    },
    drop: () => drop(false),
    close: () => drop(true),
    async startOver() {
      await drop(true);
      for (const entry of collecting.values()) entry.announced(undefined);
      // What is whole is sealed in the timeline that it is of.
      await chain;
      leastAttempt.clear();
    },
    idle: () => chain,
  };
}
