import type { MessageOf } from "@latentweave/protocol";

/**
 * Which shard holds which recovery points, by what the shards say: a part of a version is to be had from the shard that
 * owns it, or from its buddy, the next one.
 */
export interface RecoveryPoints {
  report(message: Pick<MessageOf<"points">, "index" | "own" | "kept">): void;
  /** The shard's process is gone, and its memory with it, as far as is known. */
  forget(index: number): void;
  clear(): void;
  /** The newest version that every shard and every buddy holds. */
  complete(): number | undefined;
  /** The newest version above `above` and not above `notAbove` of which every part is to be had from somebody. */
  obtainable(above: number, notAbove: number): number | undefined;
}

export function createRecoveryPoints(shards: number): RecoveryPoints {
  const own = new Map<number, ReadonlySet<number>>();
  const kept = new Map<number, ReadonlySet<number>>();
  const indices = Array.from({ length: shards }, (_, index) => index);
  const owns = (index: number, version: number): boolean => own.get(index)?.has(version) === true;
  const keeps = (index: number, version: number): boolean =>
    kept.get((index + 1) % shards)?.has(version) === true;
  const newest = (isIt: (version: number) => boolean): number | undefined => {
    const versions = [...own.values(), ...kept.values()].flatMap((held) => [...held]).filter(isIt);
    return versions.length === 0 ? undefined : Math.max(...versions);
  };
  return {
    report(message) {
      own.set(message.index, new Set(message.own));
      kept.set(message.index, new Set(message.kept));
    },
    forget(index) {
      own.delete(index);
      kept.delete(index);
    },
    clear() {
      own.clear();
      kept.clear();
    },
    complete: () =>
      newest((version) => indices.every((index) => owns(index, version) && keeps(index, version))),
    obtainable: (above, notAbove) =>
      newest(
        (version) =>
          version > above &&
          version <= notAbove &&
          indices.every((index) => owns(index, version) || keeps(index, version)),
      ),
  };
}
