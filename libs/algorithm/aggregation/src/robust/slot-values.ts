import type { TreeNode } from "@latentweave/protocol";
import { type Acceptance, ForeignNodeError, IncompleteReductionError, type Reducer } from "../reducer.ts";
import { nodeName } from "../tree.ts";
import type { ValueStore } from "../value-store.ts";

/**
 * A task's contributions, each in its slot: what a robust rule needs to see one by one. Takes the place of the reducer
 * that adds them, and holds as many values as there are slots.
 */
export interface SlotValues<V> extends Reducer<V> {
  /** In slot order; they stay owned, until `reset`. Throws IncompleteReductionError. */
  all(): readonly V[];
}

/** @param combine makes the one value that takes the place of their sum; without it there is no `result` */
export function createSlotValues<V>(options: {
  readonly slots: number;
  readonly values: ValueStore<V>;
  readonly combine?: ((values: readonly V[]) => V) | undefined;
}): SlotValues<V> {
  const { slots, values, combine } = options;
  const held = new Map<number, V>();
  const dropped = { duplicates: 0, replaced: 0 };
  let combined: { readonly value: V } | undefined;

  const place = (node: TreeNode, take: () => V, drop: () => void): Acceptance => {
    if (node.level !== 0 || node.index < 0 || node.index >= slots)
      throw new ForeignNodeError(`node ${nodeName(node)} is none of ${slots} slots that stay apart`);
    if (held.has(node.index)) {
      dropped.duplicates += 1;
      drop();
      return "duplicate";
    }
    held.set(node.index, take());
    return "accepted";
  };

  const all = (): readonly V[] => {
    if (held.size < slots)
      throw new IncompleteReductionError(`${slots - held.size} of ${slots} slots are missing`);
    return Array.from({ length: slots }, (_, slot) => held.get(slot) as V);
  };

  const result = (): V => {
    if (!combine) throw new Error("values that stay apart have no sum");
    return (combined ??= { value: combine(all()) }).value;
  };

  const reset = (): void => {
    for (const value of held.values()) values.release(value);
    if (combined) values.release(combined.value);
    combined = undefined;
    held.clear();
    dropped.duplicates = 0;
  };

  return {
    all,
    accept: (node, bytes, digest) =>
      place(
        node,
        () => values.take(bytes, digest),
        () => undefined,
      ),
    adopt: (node, value) =>
      place(
        node,
        () => value,
        () => values.release(value),
      ),
    isComplete: () => held.size === slots,
    result,
    takeResult() {
      const value = result();
      combined = undefined;
      reset();
      return value;
    },
    heldNodes: () =>
      [...held].sort(([a], [b]) => a - b).map(([index, value]) => ({ node: { level: 0, index }, value })),
    dropped,
    reset,
  };
}
