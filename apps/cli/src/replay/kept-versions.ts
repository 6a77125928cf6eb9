import { fenceAfter, isOrdered, type RunSpec } from "@latentweave/plan";
import type { CommitRecord } from "@latentweave/protocol";

/** Parameters of one version, as a device takes them. */
export type Weights = readonly {
  readonly group: number;
  readonly start: number;
  readonly values: Float32Array;
}[];

/** Weights of versions that later steps were computed on, in modes with an order: no more of them than are needed. */
export interface KeptVersions {
  /** Call before each step, with the weights that it is applied to. */
  before(step: number, weights: () => Weights): Promise<void>;
  /** Undefined: they were never here, or nothing was said to need them. */
  of(version: number): Weights | undefined;
}

/** @param commit what the record says of a step; undefined beyond its end */
export function createKeptVersions(
  spec: RunSpec,
  commit: ((step: number) => Promise<CommitRecord | undefined>) | undefined,
): KeptVersions {
  const kept = new Map<number, Weights>();
  /** By version: the last step that was computed on it, of those before `lookedTo`. */
  const lastUses = new Map<number, number>();
  let lookedTo = 0;

  /** No gradient crosses a fence: nobody has to look further. */
  const lookAhead = async (step: number): Promise<void> => {
    const fence = fenceAfter(spec, step);
    lastUses.clear();
    for (let next = step; next < fence; next++) {
      const order = (await commit?.(next))?.order;
      if (!order) break;
      lastUses.set(order.basis, next);
    }
    lookedTo = fence;
  };

  return {
    async before(step, weights) {
      if (!isOrdered(spec)) return;
      if (step >= lookedTo) await lookAhead(step);
      for (const version of kept.keys()) if ((lastUses.get(version) ?? -1) < step) kept.delete(version);
      if (lastUses.has(step)) kept.set(step, weights());
    },
    of: (version) => kept.get(version),
  };
}
