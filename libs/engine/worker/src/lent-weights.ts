import type { Compute } from "@latentweave/model";
import type { ParameterGroup, ParameterLayout } from "@latentweave/parameters";

type Slices = Parameters<Compute["setParameters"]>[0];

/**
 * The weights as the shards have told them, on a device that is lent in between to somebody with weights of his own.
 *
 * Invariants:
 * 1. `of` is what the shards have told, whoever has the device.
 * 2. Nobody's weights change while he has the device.
 */
export interface LentWeights {
  /** As the shards tell them: reaches the device now, or when it is given back. */
  set(slices: Slices): Promise<void>;
  /** Whole groups, as told. */
  of(group: ParameterGroup): Readonly<Float32Array>;
  /** The device computes with these groups until `giveBack`. */
  lend(groups: readonly ParameterGroup[], values: readonly Float32Array[]): Promise<void>;
  giveBack(): Promise<void>;
}

export function createLentWeights(
  layout: ParameterLayout,
  compute: Pick<Compute, "setParameters">,
): LentWeights {
  const told = layout.groups.map((group) => new Float32Array(group.numbers));
  let isLent = false;
  /** Groups of which the device holds something else than was told. */
  const others = new Set<number>();
  const groupAt = (index: number): Float32Array => told[index] as Float32Array;
  return {
    set(slices) {
      for (const { group, start, values } of slices) groupAt(group).set(values, start);
      if (!isLent) return compute.setParameters(slices);
      for (const { group } of slices) others.add(group);
      return Promise.resolve();
    },
    of: (group) => groupAt(group.index),
    lend(groups, values) {
      isLent = true;
      for (const group of groups) others.add(group.index);
      return compute.setParameters(
        groups.map((group, place) => ({
          group: group.index,
          start: 0,
          values: values[place] as Float32Array,
        })),
      );
    },
    giveBack() {
      isLent = false;
      const slices = [...others].map((group) => ({ group, start: 0, values: groupAt(group) }));
      others.clear();
      return slices.length > 0 ? compute.setParameters(slices) : Promise.resolve();
    },
  };
}
